import type { CarriedRequest } from '../carried.ts'

/** What the encoder of requests carries of each thing; the rest is reported for it. */
export const CARRIES: CarriedRequest = {
  parts: {
    text: { citations: 'no', cache: 'no', signature: 'no', extra: 'no' },
    image: { detail: 'yes', cache: 'no', extra: 'no' },
    document: { name: 'yes', context: 'yes', citations: 'no', cache: 'no', extra: 'no' },
    audio: 'no',
    video: 'no',
    reasoning: { signature: 'no', sealed: 'no', extra: 'no' },
    'tool-call': { signature: 'no', cache: 'no', extra: 'no' },
    'tool-result': { isError: 'yes', cache: 'no', extra: 'no' },
    refusal: {},
    opaque: 'no',
  },
  results: {
    text: { citations: 'no', cache: 'no', signature: 'no', extra: 'no' },
    image: 'no',
    document: { name: 'yes', context: 'yes', citations: 'no', cache: 'no', extra: 'no' },
  },
  tools: {
    function: { description: 'yes', strict: 'yes', cache: 'no', extra: 'no' },
    custom: 'no',
    builtin: { cache: 'no' },
  },
  messages: { name: { system: 'no', user: 'no', assistant: 'no' }, extra: 'no' },
  extra: 'own',
  betas: 'no',
}
