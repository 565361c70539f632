import type { ConfigDocument } from '../../../config/index.ts'
import {
  type AnswerHeaders,
  type AnswerPlan,
  type AnswerTap,
  type Exchange,
  GatewayError,
  type Hook,
  type TunnelWatch,
} from '../../../core/index.ts'
import { type KeyPrincipal, principalOf } from '../../../governance/index.ts'
import { allowed, deniedTo, unknownModel } from '../../conversation/conversation-route.ts'
import { isObject } from '../../ir/json.ts'
import type { Usage } from '../../models/price.ts'
import type { ModelRegistry } from '../../models/registry.ts'
import type { RoutingTarget } from '../../routing/contract.ts'
import { plainFacts } from '../../routing/request-facts.ts'
import { addUsage, readToldUsage, tokensOf } from '../usage.ts'
import type { ForwardCandidate } from './forward-candidate.ts'
import { forwardRouting } from './forward-routing.ts'
import { ForwardState } from './forward-state.ts'
import { ForwardTap } from './forward-tap.ts'
import { closeFrame, FrameReader } from './frame-reader.ts'
import { UnfinishedAnswer } from './unfinished-answer.ts'

/** Kinds with sessions in OpenAI's shape (their API references, 2026-11). */
const SPEAKING: ReadonlySet<string> = new Set(['openai', 'azure-openai', 'xai', 'openai-compatible', 'litellm'])
const USAGE = Buffer.from('"usage"')
/** Events that say what was used: of an answer, and of what was heard. */
const TELLING: ReadonlySet<unknown> = new Set([
  'response.done',
  'conversation.item.input_audio_transcription.completed',
])
const POLICY = 1008
const GOING_AWAY = 1001
const ENDED_BY_US: ReadonlySet<string> = new Set(['budget_exceeded', 'invalid_api_key'])

export interface RealtimeOptions {
  readonly registry: ModelRegistry
  readonly settings: ConfigDocument['realtime']
}

/** The `inspect` hook of realtime sessions: opens a WebSocket to the model's provider, and counts what goes by. */
export function createRealtimeInspect({ registry, settings }: RealtimeOptions): Hook {
  const routing = forwardRouting(registry, {
    turn: (x, _state, { target, provider }) => {
      const query = new URLSearchParams(x.query)
      query.set('model', provider.nameOf(target.model))
      const path = provider.pathTo(`/realtime?${query.toString()}`, null)
      return { provider, path, body: null, lane: provider.nextLane?.() ?? 0 }
    },
    openTap: (x, candidate, state) => new RealtimeTap(x, candidate, { state, settings }),
  })
  return (x) => {
    const upgrade = x.head.get('upgrade')
    if (upgrade === null || upgrade.trim().toLowerCase() !== 'websocket') {
      return new GatewayError('invalid_request', 'A realtime session needs a WebSocket: send Upgrade: websocket.')
    }
    const name = new URLSearchParams(x.query).get('model')
    if (name === null || name === '') {
      return new GatewayError('invalid_request', 'The query must name a model: /v1/realtime?model=…', {
        param: 'model',
      })
    }
    const group = registry.resolve(name)
    if (group === null) return unknownModel(name)
    if (!allowed(x, registry, name)) return deniedTo(x, registry, name)
    const facts = plainFacts(x, 'realtime', name)
    const first = routing.route(x, { registry, group, facts, serves })
    if (first instanceof GatewayError) return first
    const { from } = first.target
    if (from === null) throw new Error(`${first.target.name} was chosen for a session`)
    const state = new ForwardState('realtime', from, x.path)
    state.modelRequested = name
    // Whoever is refused before the first attempt belongs to somebody.
    state.target = first.target
    state.upgrade = 'websocket'
    state.mostTokens = settings.reserve_tokens
    x.surface = state
    x.wantsStream = true
    return null
  }
}

function serves({ target: { from } }: RoutingTarget): boolean {
  return from !== null && SPEAKING.has(from.kind)
}

/** Counts a session by its events, and ends it when what was reserved of a budget is used. */
class RealtimeTap implements AnswerTap {
  readonly #refusal: ForwardTap
  readonly #state: ForwardState
  readonly #settings: RealtimeOptions['settings']
  readonly #isLimited: boolean
  readonly #life: KeyPrincipal['life']

  constructor(x: Exchange, candidate: ForwardCandidate, { state, settings }: SessionParts) {
    this.#refusal = new ForwardTap(x, candidate, state)
    this.#state = state
    this.#settings = settings
    const principal = principalOf(x)
    this.#isLimited = principal.charged.budgets !== null
    this.#life = principal.life
  }

  start(status: number, headers: AnswerHeaders): AnswerPlan | GatewayError {
    const plan = this.#refusal.start(status, headers)
    if (status >= 400 || plan instanceof GatewayError) return plan
    return new GatewayError('upstream_invalid_response', 'The upstream did not open a WebSocket for the session.')
  }

  complete(body: Buffer): Buffer | GatewayError {
    return this.#refusal.complete(body)
  }

  push(chunk: Buffer): Buffer | GatewayError | null {
    return this.#refusal.push(chunk)
  }

  end(): Buffer | GatewayError | null {
    return this.#refusal.end()
  }

  headers(headers: AnswerHeaders, body: Buffer | null): string[] {
    return this.#refusal.headers(headers, body)
  }

  watchTunnel(): TunnelWatch {
    const state = this.#state
    const unfinished = new UnfinishedAnswer()
    const reader = new FrameReader((text) => unfinished.read(text, readEvent(state, text)))
    const { idle, total, reserve_tokens: most } = this.#settings
    state.answered = true
    state.untold = () => unfinished.usage
    return {
      idleMs: idle,
      totalMs: total,
      onUpstreamBytes: (bytes) => {
        reader.push(bytes)
        if (!reader.isBetween) return null
        if (Date.now() >= this.#life.endsAt) {
          return new GatewayError('invalid_api_key', 'The key of this session is not valid any more.')
        }
        if (!this.#isLimited || usedIn(state) < most) return null
        return new GatewayError('budget_exceeded', 'The session has used what was reserved for it; begin another one.')
      },
      farewell: (error) => closeFrame(ENDED_BY_US.has(error.code) ? POLICY : GOING_AWAY, error.message),
    }
  }
}

interface SessionParts {
  readonly state: ForwardState
  readonly settings: RealtimeOptions['settings']
}

/** Tokens of a session so far. */
function usedIn({ usage, untold }: ForwardState): number {
  const unfinished = untold?.() ?? null
  return (usage === null ? 0 : tokensOf(usage)) + (unfinished === null ? 0 : tokensOf(unfinished))
}

/** The usage of an answer that an event tells; null: it tells none. */
function readEvent(state: ForwardState, text: Buffer): Usage | null {
  if (!text.includes(USAGE)) return null
  let event: unknown
  try {
    event = JSON.parse(text.toString('utf8'))
  } catch {
    return null // no event of this protocol
  }
  if (!isObject(event) || !TELLING.has(event['type'])) return null
  const { response } = event
  const usage = readToldUsage(isObject(response) ? response : event)
  if (usage !== null) state.usage = state.usage === null ? usage : addUsage(state.usage, usage)
  return isObject(response) ? usage : null
}
