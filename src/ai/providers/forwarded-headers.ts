/**
 * Headers of the client that go to an OpenAI-compatible provider. Everything else stays here, credentials first of
 * all: what is not on this list cannot leak. `accept` decides nothing upstream that the body does not say;
 * `tracestate` goes with a valid `traceparent` only.
 */
export const FORWARDED_HEADERS: ReadonlySet<string> = new Set([
  'accept',
  'idempotency-key',
  'openai-beta',
  'tracestate',
  'user-agent',
  'x-client-request-id',
])
