import type { ConfigDocument } from '../../../config/index.ts'
import { type Exchange, GatewayError, resume, WAIT } from '../../../core/index.ts'
import { principalOf } from '../../../governance/index.ts'
import type { AwaitedThing, LookTimes, UsageClaimsPort } from '../../../storage/index.ts'
import { UNHEARD } from '../../unheard.ts'
import { type Look, lookText } from '../unread/look.ts'
import { forwardStateOf } from './forward-state.ts'

/** While another request looks at the same thing, this one waits: so often it asks, and so long. */
const ASK_EVERY_MS = 50
const LONGEST_WAIT_MS = 10_000
/** Until the settlement is certainly in the journal. */
const TOLD_AFTER_MS = 1_000

/** Finds out, before a request looks at a thing, whether it is the one that is charged for what the thing used. */
export class ClaimedUsage {
  readonly #port: UsageClaimsPort | null
  readonly #times: LookTimes
  readonly #known = new WeakMap<Exchange, { readonly thing: string; readonly isOurs: boolean }>()

  constructor(port: UsageClaimsPort | null, { unread_usage: unread }: Pick<ConfigDocument, 'unread_usage'>) {
    this.#port = port
    this.#times = { firstMs: unread.first_look, longestMs: unread.longest_pause }
  }

  /** For an `inspect` that is asked again after WAIT. */
  of(x: Exchange, thing: string): boolean | typeof WAIT {
    if (this.#port === null) return true
    const known = this.#known.get(x)
    if (known !== undefined) return known.isOurs
    x.waiting = UNHEARD
    this.#ask(this.#port, x, thing, performance.now() + LONGEST_WAIT_MS)
    return WAIT
  }

  /** This request began the thing. `isHeld`: it is charged the most that the thing may use. */
  begun(x: Exchange, thing: string, { look, isHeld }: { readonly look: Look; readonly isHeld: boolean }): void {
    if (isHeld) this.#port?.hold(thing, x.id)
    this.#port?.await({ thing, keyId: principalOf(x).id, look: lookText(look) }, this.#times)
  }

  /** The thing is looked at in this way from now on. */
  lookAt({ thing, keyId }: Pick<AwaitedThing, 'thing' | 'keyId'>, look: Look): void {
    this.#port?.await({ thing, keyId, look: lookText(look) }, this.#times)
  }

  /** This request is the one that may tell it, as long as it lasts. */
  takeFor(x: Exchange, thing: string): void {
    this.#port?.claim(thing, x.id).catch(() => undefined) // then whoever looks at it first is charged
  }

  /** The thing has ended and used nothing. */
  free(thing: string): void {
    // What is held for it may have been settled a moment ago.
    setTimeout(() => this.#port?.free(thing), TOLD_AFTER_MS).unref()
  }

  /** To be called when the request has been settled. */
  readonly settled = (x: Exchange): void => {
    const known = this.#known.get(x)
    if (known?.isOurs !== true || (forwardStateOf(x)?.usage ?? null) === null) return
    setTimeout(() => this.#port?.told(known.thing, x.id), TOLD_AFTER_MS).unref()
  }

  #ask(port: UsageClaimsPort, x: Exchange, thing: string, until: number): void {
    if (x.settled) return
    port.claim(thing, x.id).then(
      (claim) => {
        if (claim === 'held' && performance.now() < until) {
          setTimeout(() => this.#ask(port, x, thing, until), ASK_EVERY_MS)
          return
        }
        if (claim === 'held') return resume(x, later('Somebody else looks at this at the moment; try again soon.'))
        this.#known.set(x, { thing, isOurs: claim === 'yours' })
        resume(x, null)
      },
      () => resume(x, later('What this used cannot be written down at the moment; try again soon.')),
    )
  }
}

function later(message: string): GatewayError {
  return new GatewayError('not_ready', message, { retryAfterSeconds: 1 })
}
