import type { CarriedAnswer } from '../carried-answer.ts'

/** What the encoder of answers carries of each thing; the rest is reported for it. */
export const ANSWER_CARRIES: CarriedAnswer = {
  path: 'message',
  parts: {
    text: { citations: 'yes', cache: 'no', signature: 'yes', extra: 'no' },
    reasoning: { signature: 'yes', sealed: 'yes', extra: 'own' },
    'tool-call': { signature: 'yes', cache: 'no', extra: 'own' },
    refusal: {},
    image: { detail: 'no', cache: 'no', extra: 'no' },
    audio: { transcript: 'yes', id: 'yes', extra: 'own' },
    opaque: {},
  },
  citation: { url: 'yes', title: 'yes', quote: 'yes', start: 'yes', end: 'yes', address: 'needed' },
  usage: {
    webSearches: 'yes',
    cacheWrite: 'yes',
    cacheWrite1h: 'no',
    audioInput: 'yes',
    audioOutput: 'yes',
    imageInput: 'yes',
    imageOutput: 'yes',
    speed: 'no',
    region: 'no',
  },
  lateNotes: 'yes',
  logprobs: 'all',
  tiers: null,
}
