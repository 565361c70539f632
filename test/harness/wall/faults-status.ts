import { completionOf, composeAnswer, errorOf } from './chat.ts'
import { headOf } from './exchange.ts'
import type { FaultTable } from './fault.ts'
import { headerOf } from './request-reader.ts'

const LIMITED = errorOf('Rate limit reached for requests.', 'requests', 'rate_limit_exceeded')

/** Answers with an error status, well formed. */
export const statusFaults: FaultTable = {
  'status-429-retry-after': (x) => x.json(429, LIMITED, ['retry-after: 2']),
  'status-429-date': (x) => {
    const date = new Date(Math.ceil(Date.now() / 1_000) * 1_000 + 1_000).toUTCString()
    return x.json(429, LIMITED, [`retry-after: ${date}`])
  },
  'status-429-reset': (x) =>
    x.json(429, LIMITED, ['x-ratelimit-remaining-tokens: 0', 'x-ratelimit-reset-tokens: 1500ms']),
  /** Answered well, and the last for a while. */
  'ok-spent': (x, body) => {
    const answer = composeAnswer(body)
    x.entry.usage = answer.usage
    return x.json(200, completionOf(answer, answer.usage), [
      'x-ratelimit-remaining-requests: 0',
      'x-ratelimit-reset-requests: 30s',
    ])
  },
  'spent-': (x, body, ms) => {
    const answer = composeAnswer(body)
    x.entry.usage = answer.usage
    return x.json(200, completionOf(answer, answer.usage), [
      'x-ratelimit-remaining-requests: 0',
      `x-ratelimit-reset-requests: ${ms}ms`,
    ])
  },
  /** A status that is known, and words that never end. */
  'trickle-': async (x, _body, status) => {
    const head = ['content-type: application/json', 'content-length: 5000']
    await x.write(headOf(Number(status), head))
    while (!x.gone) {
      await x.write(' ')
      await x.pause(150)
    }
  },
  /** A status and a body that is too long to be read. */
  'long-': async (x, _body, status) => {
    const text = JSON.stringify({ error: { message: 'x'.repeat(1_000_000) } })
    await x.write(headOf(Number(status), ['content-type: application/json', `content-length: ${text.length}`]) + text)
  },
  'status-503-retry-after': (x) =>
    x.json(503, errorOf('The server is overloaded.', 'server_error'), ['retry-after: 1']),
  'quota-used-up': (x) =>
    x.json(429, errorOf('You exceeded your current quota.', 'insufficient_quota', 'insufficient_quota')),
  withdrawn: (x) =>
    x.json(404, errorOf('The model `withdrawn` does not exist.', 'invalid_request_error', 'model_not_found')),
  'too-long': (x) =>
    x.json(
      400,
      errorOf('This maximum context length is 8192 tokens.', 'invalid_request_error', 'context_length_exceeded'),
    ),
  'status-': (x, _body, status) => x.json(Number(status), errorOf(`The wall answers ${status}.`, 'server_error')),
  'echo-key-401': (x) => {
    const message = `Incorrect API key provided: ${headerOf(x.request, 'authorization')}.`
    return x.json(401, errorOf(message, 'invalid_request_error', 'invalid_api_key'), [
      `www-authenticate: ${headerOf(x.request, 'authorization')}`,
    ])
  },
  redirect: (x) => x.respond(307, 'text/plain', '', ['location: http://127.0.0.1:1/v1/chat/completions']),
}
