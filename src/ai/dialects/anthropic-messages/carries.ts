import type { CarriedRequest } from '../carried.ts'

/** What the encoder of requests carries of each thing; the rest is reported for it. */
export const CARRIES: CarriedRequest = {
  parts: {
    text: { citations: 'yes', cache: 'yes', signature: 'no', extra: 'own' },
    image: { detail: 'no', cache: 'yes', extra: 'own' },
    document: { name: 'yes', context: 'yes', citations: 'yes', cache: 'yes', extra: 'own' },
    audio: 'no',
    video: 'no',
    reasoning: { signature: 'yes', sealed: 'yes', extra: 'own' },
    'tool-call': { signature: 'no', cache: 'yes', extra: 'own' },
    'tool-result': { isError: 'yes', cache: 'yes', extra: 'own' },
    refusal: {},
    opaque: {},
  },
  results: {
    text: { citations: 'yes', cache: 'yes', signature: 'no', extra: 'own' },
    image: { detail: 'no', cache: 'yes', extra: 'own' },
    document: { name: 'yes', context: 'yes', citations: 'yes', cache: 'yes', extra: 'own' },
  },
  tools: {
    function: { description: 'yes', strict: 'yes', cache: 'yes', extra: 'own' },
    custom: { description: 'yes', format: 'no', extra: 'own' },
    builtin: { cache: 'yes' },
  },
  messages: { name: { system: 'no', user: 'no', assistant: 'no' }, extra: 'own' },
  extra: 'own',
  betas: 'own',
}
