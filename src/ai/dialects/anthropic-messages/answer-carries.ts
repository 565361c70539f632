import type { CarriedAnswer } from '../carried-answer.ts'

/** What the encoder of answers carries of each thing; the rest is reported for it. */
export const ANSWER_CARRIES: CarriedAnswer = {
  path: 'messages[]',
  parts: {
    text: { citations: 'yes', cache: 'no', signature: 'yes', extra: 'own' },
    reasoning: { signature: 'yes', sealed: 'yes', extra: 'own' },
    'tool-call': { signature: 'yes', cache: 'no', extra: 'own' },
    refusal: {},
    image: 'no',
    // What is said in a sound is told as text.
    audio: { transcript: 'yes', id: 'no', extra: 'no' },
    opaque: {},
  },
  citation: { url: 'yes', title: 'yes', quote: 'yes', start: 'no', end: 'no', address: 'needed' },
  usage: {
    webSearches: 'yes',
    cacheWrite: 'yes',
    cacheWrite1h: 'yes',
    audioInput: 'no',
    audioOutput: 'no',
    imageInput: 'no',
    imageOutput: 'no',
    speed: 'yes',
    region: 'yes',
  },
  lateNotes: 'no',
  logprobs: 'none',
  tiers: new Set(['priority', 'batch']),
}
