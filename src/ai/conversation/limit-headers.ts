import type { Exchange, Route } from '../../core/index.ts'
import type { LimitLeft, LimitsLeft } from '../../governance/index.ts'
import { callerDialect } from './caller-dialect.ts'
import { conversationStateOf } from './conversation-state.ts'

/** What is left of a request's limits; null: it has none. */
export type TellLimits = (x: Exchange) => LimitsLeft | null

/** A route whose answers tell what is left of the client's limits. */
export function tellingLimits(route: Route, left: TellLimits): Route {
  const { editAnswer, within } = route
  return {
    ...route,
    ...(within === undefined
      ? {}
      : {
          within: (path: string) => {
            const inner = within(path)
            return inner === null ? null : tellingLimits(inner, left)
          },
        }),
    editAnswer: (x, status, headers) => {
      editAnswer?.(x, status, headers)
      const state = conversationStateOf(x)
      if (state !== null && state.switched !== null)
        headers.push('x-ferro-switched-from', visible(state.modelRequested))
      const found = left(x)
      if (found === null) return
      // A client paces itself by its own key's limits: those of the operator's account would tell it something else.
      removeLimits(headers)
      pushLimits(x, found, headers)
    },
  }
}

/** A name of a model as a header may hold it. */
function visible(name: string): string {
  return name.toWellFormed().replace(/[^\x21-\x7e]/g, encodeURIComponent)
}

function removeLimits(headers: string[]): void {
  for (let at = headers.length - 2; at >= 0; at -= 2) {
    const name = headers[at] as string // in range
    if (TOLD_BY_UPSTREAMS.test(name)) headers.splice(at, 2)
  }
}

const TOLD_BY_UPSTREAMS = /^(?:x-|anthropic-)?ratelimit(?:-|$)/

/** Headers of one kind of limits. */
class LimitTexts {
  readonly #kind: 'requests' | 'tokens'
  readonly #openai: readonly [limit: string, remaining: string, reset: string]
  readonly #anthropic: readonly [limit: string, remaining: string, reset: string]
  #quota = Number.NaN
  #windowS = Number.NaN
  #limit = ''
  /** Kept for the next answer, since it changes with the configuration only. */
  #policy = ''

  constructor(kind: 'requests' | 'tokens') {
    this.#kind = kind
    this.#openai = [`x-ratelimit-limit-${kind}`, `x-ratelimit-remaining-${kind}`, `x-ratelimit-reset-${kind}`]
    const prefix = `anthropic-ratelimit-${kind}`
    this.#anthropic = [`${prefix}-limit`, `${prefix}-remaining`, `${prefix}-reset`]
  }

  policyOf({ quota, windowS }: LimitLeft): string {
    if (quota !== this.#quota || windowS !== this.#windowS) {
      this.#quota = quota
      this.#windowS = windowS
      this.#limit = String(quota)
      this.#policy = `"${this.#kind}";q=${quota};w=${windowS}`
    }
    return this.#policy
  }

  /** After `policyOf`. Those of the vendor go to the headers, the standard's state is returned. */
  tell({ remaining, resetMs }: LimitLeft, vendor: ReturnType<typeof callerDialect>, headers: string[]): string {
    const left = String(remaining)
    if (vendor === 'openai-chat') {
      const [limit, remains, reset] = this.#openai
      headers.push(limit, this.#limit, remains, left, reset, durationText(resetMs))
    } else if (vendor === 'anthropic-messages') {
      const [limit, remains, reset] = this.#anthropic
      headers.push(limit, this.#limit, remains, left, reset, secondsText(Date.now() + resetMs))
    }
    return `"${this.#kind}";r=${left};t=${Math.ceil(resetMs / 1_000)}`
  }
}

const REQUESTS = new LimitTexts('requests')
const TOKENS = new LimitTexts('tokens')

/**
 * Writes the standard headers (draft-ietf-httpapi-ratelimit-headers-10, 2025-09), and those that the clients of the caller's vendor
 * read: OpenAI's (platform.openai.com/docs/guides/rate-limits) and Anthropic's (docs.claude.com/en/api/rate-limits), both seen 2026-11.
 * Google's read none.
 */
export function pushLimits(x: Exchange, { requests, tokens }: LimitsLeft, headers: string[]): void {
  const vendor = vendorOf(x)
  let policy = ''
  let state = ''
  if (requests !== null) {
    policy = REQUESTS.policyOf(requests)
    state = REQUESTS.tell(requests, vendor, headers)
  }
  if (tokens !== null) {
    const own = TOKENS.policyOf(tokens)
    const left = TOKENS.tell(tokens, vendor, headers)
    policy = requests === null ? own : `${policy}, ${own}`
    state = requests === null ? left : `${state}, ${left}`
  }
  headers.push('ratelimit-policy', policy, 'ratelimit', state)
}

function vendorOf(x: Exchange): ReturnType<typeof callerDialect> {
  return x.path.startsWith('/v1/messages') ? 'anthropic-messages' : callerDialect(x)
}

/** As OpenAI writes it: `120ms`, `1s`, `6m0s`, `2h3m0s`. */
export function durationText(ms: number): string {
  if (ms < 1_000) return `${Math.ceil(ms)}ms`
  const seconds = Math.ceil(ms / 1_000)
  if (seconds < 60) return `${seconds}s`
  const minutes = Math.floor(seconds / 60)
  const rest = `${minutes % 60}m${seconds % 60}s`
  return minutes < 60 ? rest : `${Math.floor(minutes / 60)}h${rest}`
}

/** RFC 3339 without fractions, rounded up. */
function secondsText(timeMs: number): string {
  return `${new Date(Math.ceil(timeMs / 1_000) * 1_000).toISOString().slice(0, 19)}Z`
}
