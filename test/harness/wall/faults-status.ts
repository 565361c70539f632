import { errorOf } from './chat.ts'
import type { FaultTable } from './fault.ts'
import { headerOf } from './request-reader.ts'

const LIMITED = errorOf('Rate limit reached for requests.', 'requests', 'rate_limit_exceeded')

/** Answers with an error status, well formed. */
export const statusFaults: FaultTable = {
  'status-429-retry-after': (x) => x.json(429, LIMITED, ['retry-after: 2']),
  'status-': (x, _body, status) => x.json(Number(status), errorOf(`The wall answers ${status}.`, 'server_error')),
  'echo-key-401': (x) => {
    const message = `Incorrect API key provided: ${headerOf(x.request, 'authorization')}.`
    return x.json(401, errorOf(message, 'invalid_request_error', 'invalid_api_key'), [
      `www-authenticate: ${headerOf(x.request, 'authorization')}`,
    ])
  },
  redirect: (x) => x.respond(307, 'text/plain', '', ['location: http://127.0.0.1:1/v1/chat/completions']),
}
