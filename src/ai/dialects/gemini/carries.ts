import type { CarriedRequest } from '../carried.ts'

/** What the encoder of requests carries of each thing; the rest is reported for it. */
export const CARRIES: CarriedRequest = {
  parts: {
    text: { citations: 'no', cache: 'no', signature: 'yes', extra: 'own' },
    image: { detail: 'yes', cache: 'no', extra: 'own' },
    document: { name: 'yes', context: 'no', citations: 'no', cache: 'no', extra: 'own' },
    audio: { transcript: 'no', id: 'no', extra: 'own' },
    video: { extra: 'own' },
    reasoning: { signature: 'yes', sealed: 'no', extra: 'own' },
    'tool-call': { signature: 'yes', cache: 'no', extra: 'own' },
    'tool-result': { isError: 'yes', cache: 'no', extra: 'own' },
    refusal: {},
    opaque: {},
  },
  results: {
    text: { citations: 'no', cache: 'no', signature: 'no', extra: 'no' },
    image: { detail: 'no', cache: 'no', extra: 'own' },
    document: { name: 'yes', context: 'no', citations: 'no', cache: 'no', extra: 'own' },
  },
  tools: {
    function: { description: 'yes', strict: 'yes', cache: 'no', extra: 'own' },
    custom: 'no',
    builtin: { cache: 'no' },
  },
  messages: { name: { system: 'no', user: 'no', assistant: 'no' }, extra: 'own' },
  extra: 'own',
  betas: 'no',
}
