import { type ErrorCode, GatewayError } from '../../core/index.ts'
import type { AnswerFault } from '../ir/answer.ts'
import { rejectionOf } from '../relay/upstream-error.ts'

const LONGEST_QUOTE = 500
/** What vendors call a fault, and what it is. */
const KINDS: readonly (readonly [words: RegExp, code: ErrorCode])[] = [
  [/^truncated$/, 'upstream_truncated'],
  [/^malformed$/, 'upstream_invalid_response'],
  [/overloaded|unavailable|serviceunavailable/i, 'upstream_overloaded'],
  [/rate.?limit|throttl|too.?many|resource.?exhausted|quota/i, 'upstream_rate_limited'],
  [/timeout|deadline/i, 'upstream_timeout'],
  [/auth|permission|credential|access.?denied/i, 'upstream_auth'],
]

/** The error that a fault within an upstream's answer becomes. `secrets` are never repeated to a client. */
export function faultError(name: string, fault: AnswerFault, secrets: readonly string[]): GatewayError {
  const code = codeOf(fault)
  const quotable = fault.message !== '' && !secrets.some((secret) => fault.message.includes(secret))
  const said = quotable ? fault.message.slice(0, LONGEST_QUOTE) : null
  if (code === 'upstream_truncated') {
    return new GatewayError(code, `${name} ended its answer before it was complete.`)
  }
  if (code === 'upstream_auth') {
    return new GatewayError(code, `${name} refused the gateway's credential or account within its answer.`)
  }
  if (code === 'upstream_invalid_response') {
    return new GatewayError(code, `${name} sent an answer that cannot be read${said === null ? '.' : `: ${said}`}`)
  }
  if (said === null) return new GatewayError(code, `${name} reported an error.`)
  if (code !== 'upstream_error') return new GatewayError(code, said)
  const words = Buffer.from(JSON.stringify({ code: fault.kind, message: said }))
  return rejectionOf(said, words) ?? new GatewayError(code, `${name} reported an error: ${said}`)
}

function codeOf({ kind }: AnswerFault): ErrorCode {
  if (kind === undefined) return 'upstream_error'
  for (const [words, code] of KINDS) if (words.test(kind)) return code
  return 'upstream_error'
}
