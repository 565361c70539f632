import type { ConfigDocument } from '../../../config/index.ts'
import { type Exchange, type Gate, GatewayError, type Route, WAIT } from '../../../core/index.ts'
import type { DueThing, UsageClaimsPort } from '../../../storage/index.ts'
import type { CompileOptions, SurfaceHooks } from '../../compile.ts'
import type { ModelRegistry } from '../../models/registry.ts'
import type { ProviderUpstream } from '../../providers/upstreams.ts'
import { responseLook } from '../../surfaces/responses/response-look.ts'
import { BatchResultsTap } from '../forward/batch-results-tap.ts'
import { ClaimedUsage } from '../forward/claimed-usage.ts'
import { rootIn } from '../forward/default-provider.ts'
import { ForwardCandidate } from '../forward/forward-candidate.ts'
import { ForwardState } from '../forward/forward-state.ts'
import { type ReadResultLine, readMessagesLine, readOutputLine } from '../forward/result-lines.ts'
import { readBatchUsage } from './batch-usage.ts'
import { type Look, readLook } from './look.ts'
import { UnreadThing } from './unread-thing.ts'

/** Vendors forget batches and answers after 30 days or less (OpenAI's and Anthropic's API references, 2026-11). */
const FORGOTTEN_MS = 32 * 86_400_000
/** What is not found may not be there yet: after so many looks it is gone. */
const LOOKS_UNTIL_GONE = 5
const MESSAGES_VERSION = ['anthropic-version', '2023-06-01']
const GONE: ReadonlySet<number> = new Set([404, 410])

/** Things whose answers are lines, each of which tells what it used. */
const LINES: Partial<Readonly<Record<Look['kind'], ReadResultLine>>> = {
  'batch output': readOutputLine,
  'batch of messages': readMessagesLine,
}

export interface LookOptions {
  readonly hooks: SurfaceHooks
  readonly document: ConfigDocument
  readonly registry: ModelRegistry
  readonly claims: UsageClaimsPort
  readonly plain: Omit<Route, 'identify' | 'admit' | 'inspect' | 'settle' | 'name'>
  readonly warn: CompileOptions['warn']
}

/**
 * The route by which the gateway reads what its clients do not read to the end: the provider is asked with the credential that
 * made the thing, and what it used is charged to the key that began it, by the same claim as with a client who looks.
 */
export function createLookRoute({ hooks, document, registry, claims, plain, warn }: LookOptions): Route {
  const usage = new ClaimedUsage(claims, document)
  const things = new WeakMap<Exchange, DueThing>()
  const inspect: Gate = (x) => {
    const due = x.surface instanceof UnreadThing ? x.surface.due : null
    const look = due === null ? null : readLook(due.look)
    if (due === null || look === null) return new GatewayError('not_found', 'There is nothing to look at.')
    things.set(x, due)
    const provider = registry.provider(look.provider)
    const lane = provider?.credentials.indexOf(look.credential) ?? -1
    if (provider === null || lane < 0) return notHere(look)
    const isOurs = usage.of(x, due.thing)
    if (isOurs === WAIT) return WAIT
    if (!isOurs) return new GatewayError('not_found', 'What this used has been told meanwhile.')
    const onFree = () => usage.free(due.thing)
    const onOutput = (fileId: string) => {
      usage.lookAt(due, { ...look, kind: 'batch output', id: fileId })
    }
    const state = stateOf(look, { provider, registry, onFree, onOutput })
    if (state === null) return notHere(look)
    state.lane = lane
    state.isFree = true
    state.isOwed = true
    x.surface = state
    const readLine = LINES[look.kind]
    const results = (on: Exchange, source: ForwardCandidate) =>
      new BatchResultsTap(source, on, state, { registry, readLine: readLine ?? readMessagesLine, onFree })
    x.candidates = [new ForwardCandidate(state, readLine === undefined ? undefined : results)]
    return null
  }
  const settled = (x: Exchange) => {
    usage.settled(x)
    const due = things.get(x)
    if (due === undefined) return
    // Results are not found before there are any.
    const isFinal = readLook(due.look)?.kind !== 'batch of messages' && x.attempts > 0
    const isGone = isFinal && GONE.has(x.status) && due.looks >= LOOKS_UNTIL_GONE
    if (!isGone && due.ageMs < FORGOTTEN_MS) return
    claims.giveUp(due.thing)
    const message = 'what a batch or a background answer used was never told; what was reserved for it stays charged'
    warn?.(message, { thing: due.thing, key: due.keyId, looks: due.looks + 1 })
  }
  const { settle, ...governed } = hooks.conversation('batches.manage')
  return {
    ...plain,
    ...governed,
    name: 'unread',
    identify: null,
    admit: null,
    inspect,
    settle: [...(settle ?? []), settled],
  }
}

interface LookParts {
  readonly provider: ProviderUpstream
  readonly registry: ModelRegistry
  /** It has ended and used nothing. */
  readonly onFree: () => void
  /** What it used stands in this file. */
  readonly onOutput: (fileId: string) => void
}

/** The request that looks; null where the provider has no such things any more. */
function stateOf(look: Look, parts: LookParts): ForwardState | null {
  const { provider, registry, onFree, onOutput } = parts
  const id = encodeURIComponent(look.id)
  switch (look.kind) {
    case 'batch': {
      const state = new ForwardState('batches', provider, provider.pathTo(`/batches/${id}`, null))
      state.readAnswer = (answer) => readBatchUsage(answer, { registry, state, name: look.provider, onFree, onOutput })
      return state
    }
    case 'batch output':
      return new ForwardState('batches', provider, provider.pathTo(`/files/${id}/content`, null))
    case 'batch of messages': {
      const root = rootIn(provider, 'anthropic-messages')
      if (root === null) return null
      const state = new ForwardState('batches', provider, `${root}/messages/batches/${id}/results`)
      state.ownHeaders = MESSAGES_VERSION
      return state
    }
    case 'response':
      return responseLook(look, parts)
  }
}

function notHere({ provider }: Look): GatewayError {
  return new GatewayError('not_ready', `The provider "${provider}", which keeps this, or its credential is not here.`)
}
