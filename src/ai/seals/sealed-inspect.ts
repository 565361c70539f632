import { type Exchange, type Gate, GatewayError } from '../../core/index.ts'
import { principalOf } from '../../governance/index.ts'
import type { ContentPort, KeepingLimits } from '../../storage/index.ts'
import { type ConversationState, conversationStateOf } from '../conversation/conversation-state.ts'
import { LookUps } from '../look-ups.ts'
import { unsealedCalls } from './restore-seals.ts'
import { readSealedCalls, type SealedCall, writeSealedCalls } from './sealed-call.ts'

export interface SealedInspectOptions {
  /** Reads the request, and chooses its target. */
  readonly inspect: Gate
  readonly content: ContentPort
  readonly limits: KeepingLimits
}

/** Names of calls in the store, apart from those of anything else. */
const CALL = 'call:'
/**
 * The `inspect` of a dialect whose clients seldom send seals back. What vendors sealed in an answer with calls of tools is
 * kept for the key by the calls' ids; a request that has the calls without it is sent on with what was kept. When nothing is
 * found the request goes on as it is: encoders know what their vendor takes then.
 */
export function createSealedInspect({ inspect, content, limits }: SealedInspectOptions): Gate {
  const found = new LookUps<ReadonlyMap<string, SealedCall>>('What was sealed cannot be read')

  return (x) => {
    const known = found.of(x)
    if (known !== undefined) return known.size === 0 ? null : preparedAnew(x, known)
    const verdict = inspect(x)
    if (verdict !== null) return verdict
    const state = conversationStateOf(x)
    const prepared = state?.prepared ?? null
    if (state === null || prepared === null || prepared.translation === null) return null
    const tenant = principalOf(x).id
    state.keepSeals = (calls) => {
      const items = calls.map(({ id }) => CALL + id)
      content.keep(
        tenant,
        { id: `seals:${x.id}:${items[0]}`, parent: null, items, text: writeSealedCalls(calls) },
        limits,
      )
    }
    const ids = unsealedCalls(prepared.translation.request, prepared.endpoint.family)
    if (ids.length === 0) return null
    const names = ids.map((id) => CALL + id)
    // When nobody answers, it is as if nothing had been kept: the conversation can go on without.
    return found.begin(
      x,
      content.holders(tenant, names).then(readSealedCalls, () => new Map()),
    )
  }
}

/** The request for its first target once more, with what was found. */
function preparedAnew(x: Exchange, seals: NonNullable<ConversationState['seals']>): GatewayError | null {
  const state = conversationStateOf(x)
  const { body } = x
  if (state === null || state.target === null || body === null) throw new Error(`request ${x.id} lost its state`)
  state.seals = seals
  const request = state.surface.reader.read(body, state.pathFacts)
  const prepared = request instanceof GatewayError ? request : state.target.prepare(x, state, body, request)
  if (prepared instanceof GatewayError) return prepared
  state.prepared = prepared
  return null
}
