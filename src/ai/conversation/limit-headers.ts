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

/**
 * Writes the standard headers (draft-ietf-httpapi-ratelimit-headers-10, 2025-09), and those that the clients of the caller's vendor
 * read: OpenAI's (platform.openai.com/docs/guides/rate-limits) and Anthropic's (docs.claude.com/en/api/rate-limits), both seen 2026-11.
 * Google's read none.
 */
export function pushLimits(x: Exchange, { requests, tokens }: LimitsLeft, headers: string[]): void {
  const policy: string[] = []
  const state: string[] = []
  const vendor = vendorOf(x)
  const tell = (name: 'requests' | 'tokens', limit: LimitLeft) => {
    policy.push(`"${name}";q=${limit.quota};w=${limit.windowS}`)
    state.push(`"${name}";r=${limit.remaining};t=${Math.ceil(limit.resetMs / 1_000)}`)
    if (vendor === 'openai-chat') {
      headers.push(`x-ratelimit-limit-${name}`, String(limit.quota))
      headers.push(`x-ratelimit-remaining-${name}`, String(limit.remaining))
      headers.push(`x-ratelimit-reset-${name}`, durationText(limit.resetMs))
    } else if (vendor === 'anthropic-messages') {
      headers.push(`anthropic-ratelimit-${name}-limit`, String(limit.quota))
      headers.push(`anthropic-ratelimit-${name}-remaining`, String(limit.remaining))
      headers.push(`anthropic-ratelimit-${name}-reset`, secondsText(Date.now() + limit.resetMs))
    }
  }
  if (requests !== null) tell('requests', requests)
  if (tokens !== null) tell('tokens', tokens)
  headers.push('ratelimit-policy', policy.join(', '), 'ratelimit', state.join(', '))
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
