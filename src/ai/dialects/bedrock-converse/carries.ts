import type { CarriedRequest } from '../carried.ts'

/** What the encoder of requests carries of each thing; the rest is reported for it. */
export const CARRIES: CarriedRequest = {
  parts: {
    text: { citations: 'no', cache: 'yes', signature: 'no', extra: 'no' },
    image: { detail: 'no', cache: 'yes', extra: 'no' },
    document: { name: 'yes', context: 'yes', citations: 'yes', cache: 'yes', extra: 'no' },
    audio: { transcript: 'no', id: 'no', extra: 'no' },
    video: { extra: 'no' },
    reasoning: { signature: 'yes', sealed: 'yes', extra: 'no' },
    'tool-call': { signature: 'no', cache: 'yes', extra: 'no' },
    'tool-result': { isError: 'yes', cache: 'yes', extra: 'no' },
    refusal: {},
    opaque: 'no',
  },
  results: {
    text: { citations: 'no', cache: 'yes', signature: 'no', extra: 'no' },
    image: { detail: 'no', cache: 'yes', extra: 'no' },
    document: { name: 'yes', context: 'yes', citations: 'yes', cache: 'yes', extra: 'no' },
  },
  tools: {
    function: { description: 'yes', strict: 'yes', cache: 'yes', extra: 'no' },
    custom: { description: 'yes', format: 'no', extra: 'no' },
    builtin: { cache: 'no' },
  },
  messages: { name: { system: 'no', user: 'no', assistant: 'no' }, extra: 'no' },
  // Clients may give some members in Converse's own words.
  extra: 'yes',
  betas: 'yes',
}
