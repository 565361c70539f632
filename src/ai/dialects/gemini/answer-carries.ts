import type { CarriedAnswer } from '../carried-answer.ts'

/** What the encoder of answers carries of each thing; the rest is reported for it. */
export const ANSWER_CARRIES: CarriedAnswer = {
  path: 'messages[]',
  parts: {
    text: { citations: 'yes', cache: 'no', signature: 'yes', extra: 'yes' },
    reasoning: { signature: 'yes', sealed: 'yes', extra: 'yes' },
    'tool-call': { signature: 'yes', cache: 'no', extra: 'yes' },
    refusal: {},
    image: { detail: 'yes', cache: 'no', extra: 'yes' },
    audio: { transcript: 'no', id: 'no', extra: 'yes' },
    opaque: {},
  },
  citation: { url: 'yes', title: 'yes', quote: 'yes', start: 'yes', end: 'yes', address: 'not needed' },
  usage: {
    webSearches: 'no',
    cacheWrite: 'no',
    cacheWrite1h: 'no',
    audioInput: 'yes',
    audioOutput: 'yes',
    imageInput: 'yes',
    imageOutput: 'yes',
    speed: 'no',
    region: 'no',
  },
  lateNotes: 'no',
  logprobs: 'without bytes',
  tiers: new Set(['flex', 'priority']),
}
