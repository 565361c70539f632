import { type Exchange, type Gate, GatewayError, resume, WAIT } from '../../../core/index.ts'
import { principalOf } from '../../../governance/index.ts'
import type { Servers } from '../../conversation/conversation-route.ts'
import { conversationStateOf } from '../../conversation/conversation-state.ts'
import type { ModelTarget } from '../../models/target.ts'
import { shorten } from '../../routing/choose.ts'
import { UNHEARD } from '../../unheard.ts'
import { type ForwardState, forwardStateOf } from '../forward/forward-state.ts'
import type { AccountSessions } from './account-session.ts'
import type { Keeper, Ownership } from './ownership.ts'
import { type NamesOf, referencesIn, withPlainIds } from './references.ts'

/** Sends conversations that name kept things to whoever keeps them, in that one's words. */
export class ReferringRequests {
  readonly ownership: Ownership
  readonly #sessions: AccountSessions
  readonly #known = new WeakMap<Exchange, Keeper | null>()

  constructor(ownership: Ownership, sessions: AccountSessions) {
    this.ownership = ownership
    this.#sessions = sessions
  }

  /** The targets that have what a request names, or may need; null: all. */
  readonly servers: Servers = (x) => {
    const keeper = this.#known.get(x) ?? null
    return keeper === null ? this.#sessions.servers(x) : ({ target }) => isOf(keeper, target)
  }

  /** Who keeps what a request names that was looked up; null: nobody in particular. */
  keeperOf(x: Exchange): Keeper | null {
    return this.#known.get(x) ?? null
  }

  /** Around the `inspect` of a conversation, which must ask `servers`. */
  gate(inspect: Gate, names: NamesOf): Gate {
    return (x) => {
      if (!this.#known.has(x)) {
        const found = x.body === null ? null : referencesIn(x.body, names)
        if (found === null) return inspect(x)
        if (found instanceof GatewayError) return found
        x.waiting = UNHEARD
        this.ownership.keeperOf(principalOf(x).id, found.references).then(
          (keeper) => {
            if (keeper instanceof GatewayError) return resume(x, keeper)
            this.#known.set(x, keeper)
            x.body = withPlainIds(found.body)
            resume(x, null)
          },
          () => resume(x, unreadable()),
        )
        return WAIT
      }
      const keeper = this.#known.get(x) ?? null
      const verdict = inspect(x)
      if (keeper === null || verdict === WAIT) return verdict
      const forward = forwardStateOf(x)
      if (verdict === null && forward !== null) return sentTo(forward, keeper)
      const state = conversationStateOf(x)
      if (verdict !== null) return state === null ? verdict : (this.#elsewhere(state.modelRequested, keeper) ?? verdict)
      if (state !== null) state.credential ??= keeper.credential
      return null
    }
  }

  /** Why a request cannot go to its model, none of whose targets is where its files are; null: that is not why. */
  #elsewhere(model: string, keeper: Keeper): GatewayError | null {
    const { provider } = keeper
    const group = this.ownership.registry.resolve(model)
    if (group === null || group.targets.some(({ target }) => isOf(keeper, target))) return null
    const message = `The request names files that the provider "${provider}" keeps, and the model "${shorten(model)}" is not one of its models. Name one of them, or send the files themselves.`
    return new GatewayError('invalid_request', message, { param: 'model' })
  }
}

/** What goes to one provider as it is goes with the credential that has its files. */
function sentTo(state: ForwardState, { provider, credential }: Keeper): GatewayError | null {
  const { upstream, credentials } = state.provider
  if (upstream.name !== provider) {
    const message = `The request names files that the provider "${provider}" keeps, and it goes to the provider "${upstream.name}".`
    return new GatewayError('invalid_request', message)
  }
  state.lane = Math.max(0, credentials.indexOf(credential))
  return null
}

/** Whether a target has what is kept there. */
export function isOf({ provider, credential }: Keeper, target: ModelTarget): boolean {
  return target.provider === provider && target.credentials.includes(credential)
}

/** The store says nothing. */
export function unreadable(): GatewayError {
  const message = 'Whose this is cannot be looked up at the moment; try again soon.'
  return new GatewayError('not_ready', message, { retryAfterSeconds: 1 })
}
