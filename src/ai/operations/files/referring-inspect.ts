import { type Exchange, type Gate, GatewayError, WAIT } from '../../../core/index.ts'
import { principalOf } from '../../../governance/index.ts'
import type { Servers } from '../../conversation/conversation-route.ts'
import { conversationStateOf } from '../../conversation/conversation-state.ts'
import type { ModelTarget } from '../../models/target.ts'
import { shorten } from '../../routing/choose.ts'
import { type ForwardState, forwardStateOf } from '../forward/forward-state.ts'
import type { AccountSessions } from './account-session.ts'
import { type Keeper, type Ownership, ownerLookUps } from './ownership.ts'
import { type NamesOf, type Referring, referencesIn, withPlainIds } from './references.ts'

/** Sends conversations that name kept things to whoever keeps them, in that one's words. */
export class ReferringRequests {
  readonly ownership: Ownership
  readonly #sessions: AccountSessions
  readonly #known = ownerLookUps<Keeper | null>()

  constructor(ownership: Ownership, sessions: AccountSessions) {
    this.ownership = ownership
    this.#sessions = sessions
  }

  /** The targets that have what a request names, or may need; null: all. */
  readonly servers: Servers = (x) => {
    const keeper = this.keeperOf(x)
    return keeper === null ? this.#sessions.servers(x) : ({ target }) => isOf(keeper, target)
  }

  /** Who keeps what a request names that was looked up; null: nobody in particular. */
  keeperOf(x: Exchange): Keeper | null {
    return this.#known.of(x) ?? null
  }

  /** Around the `inspect` of a conversation, which must ask `servers`. */
  gate(inspect: Gate, names: NamesOf): Gate {
    return (x) => {
      if (this.#known.of(x) === undefined) {
        const found = x.body === null ? null : referencesIn(x.body, names)
        if (found === null) return inspect(x)
        if (found instanceof GatewayError) return found
        return this.#known.begin(x, this.#lookUp(x, found))
      }
      const keeper = this.keeperOf(x)
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

  async #lookUp(x: Exchange, { references, body }: Referring): Promise<Keeper | null | GatewayError> {
    const keeper = await this.ownership.keeperOf(principalOf(x).id, references)
    if (!(keeper instanceof GatewayError)) x.body = withPlainIds(body)
    return keeper
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
