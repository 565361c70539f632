import type { CarriedRequest } from '../carried.ts'

/** What the encoder of requests carries of each thing; the rest is reported for it. */
export const CARRIES: CarriedRequest = {
  parts: {
    text: { citations: 'no', cache: 'no', signature: 'no', extra: 'no' },
    image: 'no',
    document: 'no',
    audio: 'no',
    video: 'no',
    reasoning: 'no',
    'tool-call': 'no',
    'tool-result': { isError: 'no', cache: 'no', extra: 'no' },
    refusal: {},
    opaque: 'no',
  },
  results: {
    text: { citations: 'no', cache: 'no', signature: 'no', extra: 'no' },
    image: 'no',
    document: 'no',
  },
  // Tools are refused.
  tools: {
    function: { description: 'yes', strict: 'yes', cache: 'yes', extra: 'yes' },
    custom: { description: 'yes', format: 'yes', extra: 'yes' },
    builtin: { cache: 'yes' },
  },
  messages: { name: { system: 'no', user: 'no', assistant: 'no' }, extra: 'no' },
  extra: 'own',
  betas: 'no',
}
