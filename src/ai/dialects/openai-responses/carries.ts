import type { CarriedRequest } from '../carried.ts'

/** What the encoder of requests carries of each thing; the rest is reported for it. */
export const CARRIES: CarriedRequest = {
  parts: {
    text: { citations: 'yes', cache: 'yes', signature: 'no', extra: 'own' },
    image: { detail: 'yes', cache: 'yes', extra: 'own' },
    document: { name: 'yes', context: 'yes', citations: 'no', cache: 'yes', extra: 'own' },
    audio: { transcript: 'no', id: 'no', extra: 'own' },
    video: 'no',
    reasoning: { signature: 'no', sealed: 'yes', extra: 'own' },
    'tool-call': { signature: 'no', cache: 'no', extra: 'own' },
    'tool-result': { isError: 'yes', cache: 'no', extra: 'own' },
    refusal: {},
    opaque: {},
  },
  results: {
    text: { citations: 'no', cache: 'yes', signature: 'no', extra: 'own' },
    image: { detail: 'yes', cache: 'yes', extra: 'own' },
    document: { name: 'yes', context: 'yes', citations: 'no', cache: 'yes', extra: 'own' },
  },
  tools: {
    function: { description: 'yes', strict: 'yes', cache: 'no', extra: 'own' },
    custom: { description: 'yes', format: 'yes', extra: 'own' },
    builtin: { cache: 'no' },
  },
  messages: { name: { system: 'no', user: 'no', assistant: 'no' }, extra: 'own' },
  extra: 'own',
  betas: 'no',
}
