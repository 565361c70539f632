/**
 * Headers of the client that go to an upstream, by the dialect in which it is spoken to. `accept` decides nothing
 * upstream that the body does not say; `tracestate` goes with a valid `traceparent` only, and always.
 */
const COMMON = ['accept', 'idempotency-key', 'user-agent', 'x-client-request-id']

/** For OpenAI's dialects and those who speak them. */
export const OPENAI_HEADERS: ReadonlySet<string> = new Set([...COMMON, 'openai-beta'])

/** For Anthropic's dialect: betas are asked for by a header. */
export const ANTHROPIC_HEADERS: ReadonlySet<string> = new Set([...COMMON, 'anthropic-beta', 'anthropic-version'])

/** For all others. */
export const PLAIN_HEADERS: ReadonlySet<string> = new Set(COMMON)
