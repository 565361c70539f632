import { setTimeout as pause } from 'node:timers/promises'
import type { ConfigDocument } from '../../../config/index.ts'
import type { Exchange, GatewayError, WAIT } from '../../../core/index.ts'
import { principalOf } from '../../../governance/index.ts'
import type { AwaitedThing, LookTimes, UsageClaimsPort } from '../../../storage/index.ts'
import { LookUps, later } from '../../look-ups.ts'
import { type Look, lookText } from '../unread/look.ts'
import { forwardStateOf } from './forward-state.ts'

/** While another request looks at the same thing, this one waits: so often it asks, and so long. */
const ASK_EVERY_MS = 50
const LONGEST_WAIT_MS = 10_000
/** Until the settlement is certainly in the journal. */
const TOLD_AFTER_MS = 1_000

/** Which thing a request looks at, and whether it is charged for it. */
interface Claimed {
  readonly thing: string
  readonly isOurs: boolean
}

/** Finds out, before a request looks at a thing, whether it is the one that is charged for what the thing used. */
export class ClaimedUsage {
  readonly #port: UsageClaimsPort | null
  readonly #times: LookTimes
  readonly #known = new LookUps<Claimed>('What this used cannot be written down')

  constructor(port: UsageClaimsPort | null, { unread_usage: unread }: Pick<ConfigDocument, 'unread_usage'>) {
    this.#port = port
    this.#times = { firstMs: unread.first_look, longestMs: unread.longest_pause }
  }

  /** For an `inspect` that is asked again after WAIT. */
  of(x: Exchange, thing: string): boolean | typeof WAIT {
    if (this.#port === null) return true
    const known = this.#known.of(x)
    return known === undefined ? this.#known.begin(x, claimed(this.#port, x, thing)) : known.isOurs
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
    const known = this.#known.of(x)
    if (known?.isOurs !== true || (forwardStateOf(x)?.usage ?? null) === null) return
    setTimeout(() => this.#port?.told(known.thing, x.id), TOLD_AFTER_MS).unref()
  }
}

async function claimed(port: UsageClaimsPort, x: Exchange, thing: string): Promise<Claimed | GatewayError> {
  for (const until = performance.now() + LONGEST_WAIT_MS; ; ) {
    const claim = await port.claim(thing, x.id)
    if (claim !== 'held') return { thing, isOurs: claim === 'yours' }
    if (performance.now() >= until) return later('Somebody else looks at this at the moment; try again soon.')
    await pause(ASK_EVERY_MS)
    if (x.settled) return later('The request has ended.')
  }
}
