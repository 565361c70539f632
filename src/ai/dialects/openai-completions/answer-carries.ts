import type { CarriedAnswer } from '../carried-answer.ts'

/** What the encoder of answers carries of each thing; the rest is reported for it. */
export const ANSWER_CARRIES: CarriedAnswer = {
  path: 'choices[]',
  parts: {
    text: { citations: 'yes', cache: 'no', signature: 'no', extra: 'no' },
    reasoning: 'no',
    'tool-call': 'no',
    refusal: {},
    image: 'no',
    audio: 'no',
    opaque: {},
  },
  citation: null,
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
  logprobs: 'without bytes',
  tiers: new Set(),
}
