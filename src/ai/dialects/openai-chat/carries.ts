import type { CarriedRequest } from '../carried.ts'

/** What the encoder of requests carries of each thing; the rest is reported for it. */
export const CARRIES: CarriedRequest = {
  parts: {
    text: { citations: 'no', cache: 'yes', signature: 'yes', extra: 'own' },
    image: { detail: 'yes', cache: 'yes', extra: 'own' },
    document: { name: 'yes', context: 'yes', citations: 'no', cache: 'yes', extra: 'own' },
    audio: { transcript: 'own', id: 'own', extra: 'own' },
    video: { extra: 'own' },
    reasoning: { signature: 'yes', sealed: 'yes', extra: 'own' },
    'tool-call': { signature: 'yes', cache: 'no', extra: 'own' },
    'tool-result': { isError: 'yes', cache: 'yes', extra: 'own' },
    refusal: {},
    opaque: {},
  },
  results: {
    text: { citations: 'no', cache: 'yes', signature: 'no', extra: 'own' },
    image: { detail: 'yes', cache: 'yes', extra: 'own' },
    document: { name: 'yes', context: 'yes', citations: 'no', cache: 'yes', extra: 'own' },
  },
  tools: {
    function: { description: 'yes', strict: 'yes', cache: 'yes', extra: 'own' },
    custom: { description: 'yes', format: 'yes', extra: 'own' },
    builtin: { cache: 'no' },
  },
  messages: { name: { system: 'yes', user: 'yes', assistant: 'yes' }, extra: 'own' },
  extra: 'own',
  betas: 'no',
}
