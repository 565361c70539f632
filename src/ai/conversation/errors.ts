import type { Exchange, GatewayError, RenderedError } from '../../core/index.ts'
import { ENCODE_ERROR, statusFor } from '../dialects/client-errors.ts'
import type { AnswerContext } from '../dialects/dialect.ts'
import { rateLimitHeaders } from '../dialects/rate-limits.ts'
import { clientDialect } from '../dialects/tables.ts'
import { Losses } from '../ir/losses.ts'
import { type ConversationState, conversationStateOf } from './conversation-state.ts'
import type { ClientDialectName } from './readers.ts'

/** Puts errors of a route into the dialect of its clients. */
export function createErrorRendering(dialect: ClientDialectName): {
  readonly renderError: (x: Exchange, error: GatewayError) => RenderedError
  readonly renderStreamError: (x: Exchange, error: GatewayError) => Buffer
} {
  const encodeError = ENCODE_ERROR[dialect]
  return {
    renderError(x, error) {
      // An upstream's own words, which are in this dialect: they may hold what no other form has.
      const body = error.body ?? Buffer.from(JSON.stringify(encodeError(error, x.id)))
      const status = statusFor(dialect, error)
      const headers = [...(limitsOf(dialect, error).headers ?? []), ...requestIdHeaders(dialect, x)]
      return { body, contentType: error.contentType ?? 'application/json', status, headers }
    },

    /** No proper end follows: that would make a whole answer of a broken one. */
    renderStreamError(x, error) {
      const state = conversationStateOf(x)
      // An answer has begun, so the dialect is loaded.
      const encoder = state?.encoder ?? clientDialect(dialect).streamEncoder(relayed(x, dialect, state))
      return Buffer.from(encoder.fail(error, x.id))
    },
  }
}

/** The name by which Anthropic's clients look for the id of a request, beside the one that every answer has. */
export function requestIdHeaders(dialect: ClientDialectName, { id }: Exchange): readonly string[] {
  return dialect === 'anthropic-messages' ? ['request-id', id] : []
}

/** How much the upstream still gives, as clients of the dialect read it. */
export function limitsOf(dialect: ClientDialectName, { limits }: GatewayError): Pick<RenderedError, 'headers'> {
  return limits === null ? {} : { headers: rateLimitHeaders(dialect, limits, Date.now()) }
}

/** The context of a stream that was relayed so far: of its request nothing is known but what was read. */
function relayed(x: Exchange, dialect: ClientDialectName, state: ConversationState | null): AnswerContext {
  const model = state?.modelRequested ?? ''
  return {
    id: x.id.replaceAll('-', ''),
    model,
    createdAt: Math.floor(x.time / 1000),
    streamFraming: state?.pathFacts?.framing,
    request: { dialect, model, messages: [], tools: [], parameters: {}, stream: true },
    losses: new Losses(),
  }
}
