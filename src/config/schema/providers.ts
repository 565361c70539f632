import * as z from 'zod'
import { positiveDuration } from './scalars.ts'
import { baseUrl, headerName, plainText, referenceText } from './texts.ts'

/** Deadlines of one attempt to an upstream, all in milliseconds; a provider may override each. */
export const timeouts = z.strictObject({
  connect: positiveDuration.prefault('5s').describe('Until the connection (with TLS) is there.'),
  first_byte: positiveDuration
    .prefault('300s')
    .describe('From the request sent to the first byte of the answer, when the client did not ask for a stream.'),
  first_byte_stream: positiveDuration
    .prefault('30s')
    .describe('From the request sent to the first byte of the answer, when the client asked for a stream.'),
  idle: positiveDuration.prefault('60s').describe('Between two pieces of an answer.'),
  total: positiveDuration.prefault('1800s').describe('The whole attempt, from dispatch to the last byte.'),
})

const providerTimeouts = z.strictObject({
  connect: positiveDuration.optional().describe('Overrides `timeouts.connect` for this provider.'),
  first_byte: positiveDuration.optional().describe('Overrides `timeouts.first_byte` for this provider.'),
  first_byte_stream: positiveDuration.optional().describe('Overrides `timeouts.first_byte_stream` for this provider.'),
  idle: positiveDuration.optional().describe('Overrides `timeouts.idle` for this provider.'),
  total: positiveDuration.optional().describe('Overrides `timeouts.total` for this provider.'),
})

/** One upstream that serves models. Which kinds exist is checked by the caller of `parseConfig`, who has the table. */
export const provider = z.strictObject({
  kind: plainText.describe('What the provider is; an unknown kind is refused with the list of those that exist.'),
  api_key: referenceText
    .optional()
    .describe('The secret sent to the provider. Write a reference; a literal works and is warned about.'),
  base_url: baseUrl
    .optional()
    .describe("Where the provider's API starts; absent: the kind's own. A kind that ends in `-compatible` has none."),
  headers: z
    .record(headerName, referenceText)
    .prefault({})
    .describe('Headers added to every request to this provider; references may stand in the values.'),
  organization: referenceText.optional().describe('Organisation that the provider bills, where it knows such.'),
  direct: z
    .boolean()
    .default(false)
    .describe('Clients may address any of its models as `provider/model`, without an entry in `models`.'),
  timeouts: providerTimeouts.prefault({}).describe('Deadlines that differ from the top-level `timeouts`.'),
  max_connections: z
    .int()
    .min(1)
    .max(65_535)
    .prefault(1024)
    .describe('Connections to this provider that one data worker holds at most.'),
})
