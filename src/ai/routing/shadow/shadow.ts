import type { ModelConfig } from '../../../config/index.ts'
import { beginDouble, type Exchange, makeDouble, type Route, type TargetState } from '../../../core/index.ts'
import { principalOf } from '../../../governance/index.ts'
import { monotonicUs } from '../../../lib/index.ts'
import type { ModelRegistry } from '../../models/registry.ts'
import type { Mirror } from '../attempt-target.ts'
import type { ChoiceOptions } from '../choose.ts'
import type { RoutingTarget } from '../contract.ts'
import { inabilityOf } from '../filter.ts'
import type { GroupAttempts } from '../group-attempts.ts'
import type { Doubles } from '../hedge/hedge-rule.ts'
import { hasTags, requiredTags } from '../required-tags.ts'

/** A target that gets copies of a group's requests, as the configuration has it. */
export interface RoutingShadow extends Omit<NonNullable<ModelConfig['shadow']>, 'target'> {
  /** Entry of the configuration. */
  readonly entry: string
  readonly target: RoutingTarget
}

/** What copies are called in records and metrics. */
const SHADOW = 'shadow'

/**
 * Copies of requests that nobody waits for: doubles with a life, a record and a reservation of their own, of which the
 * request itself learns nothing.
 */
export class Shadows {
  readonly #registry: ModelRegistry
  readonly #attempts: GroupAttempts
  readonly #doubles: Doubles
  readonly #lanes = new WeakMap<RoutingShadow, ShadowLane>()

  constructor(registry: ModelRegistry, attempts: GroupAttempts, doubles: Doubles) {
    this.#registry = registry
    this.#attempts = attempts
    this.#doubles = doubles
  }

  /** For a request whose group has a shadow; null: it is not copied. */
  draw(
    x: Exchange,
    shadow: RoutingShadow,
    { facts, serves }: Omit<ChoiceOptions, 'registry' | 'group'>,
  ): Mirror | null {
    const { random, statistics } = this.#registry
    if (random() >= shadow.share) return null
    const { target } = shadow
    if (!hasTags(target.tags, requiredTags(facts))) return null
    const nowMs = monotonicUs() / 1_000
    if (target.target.isRefusedUnpriced || (serves !== undefined && !serves(target))) return null
    if (inabilityOf(target, facts) !== null || statistics.refusesMs(target, nowMs) > 0) return null
    const principal = principalOf(x)
    const isDenied = principal.hasDenyLists && !principal.mayUse(this.#registry.sideNamesOf(facts.model, target))
    return isDenied ? null : (request) => this.#mirror(request, shadow)
  }

  #mirror(x: Exchange, shadow: RoutingShadow): void {
    try {
      const lane = this.#laneOf(shadow)
      const double = lane?.hasRoom(x) === true ? this.#double(x, shadow, lane) : null
      const isSent = double !== null && lane?.enter() === true
      this.#registry.metrics?.mirrored(shadow.entry, isSent ? 'sent' : 'dropped')
      // The request's own bytes go first.
      if (isSent) setImmediate(beginDouble, double)
    } catch (error) {
      x.gateway.onFault(error, x)
    }
  }

  #double(x: Exchange, { target, charge }: RoutingShadow, lane: ShadowLane): Exchange {
    const surface = this.#doubles.surfaceOf(x, 'unheard')
    const double = makeDouble(x, {
      identity: { id: x.gateway.ids.next(), traceId: x.traceId, startedAt: performance.now(), time: Date.now() },
      surface,
      attempting: this.#attempts.alone(target, SHADOW),
      route: lane.routeFor(x.route),
    })
    double.principal = charge === 'key' ? x.principal : null
    this.#doubles.share(double, x)
    return double
  }

  #laneOf(shadow: RoutingShadow): ShadowLane | null {
    const known = this.#lanes.get(shadow)
    if (known !== undefined) return known
    const inFlight = this.#registry.memories?.shadowsInFlight(shadow.entry) ?? null
    if (inFlight === null) return null
    const lane = new ShadowLane(inFlight, shadow.max_concurrent)
    this.#lanes.set(shadow, lane)
    return lane
  }
}

/** How many copies of a group's requests are on their way, and by which hooks they end. */
class ShadowLane {
  readonly #inFlight: TargetState
  readonly #most: number
  readonly #routes = new WeakMap<Route, Route>()

  constructor(inFlight: TargetState, most: number) {
    this.#inFlight = inFlight
    this.#most = most
  }

  /** Copies give way first: none is made by a worker that is overloaded, leaves, or holds many bodies already. */
  hasRoom({ gateway, body }: Exchange): boolean {
    if (body === null || gateway.leaving || gateway.loadLevel > 0) return false
    if (gateway.bodyBytes + body.length > gateway.limits.bodyMemoryBytes / 2) return false
    return this.#inFlight.inFlight < this.#most
  }

  /** False when another worker took the last place at this moment. Who is in leaves with the end of the copy. */
  enter(): boolean {
    this.#inFlight.begin()
    if (this.#inFlight.inFlight <= this.#most) return true
    this.#inFlight.end()
    return false
  }

  routeFor(route: Route | null): Route {
    if (route === null) throw new Error('a request that was sent has a route')
    let own = this.#routes.get(route)
    if (own === undefined) {
      const none = { identify: null, admit: null, inspect: null, editAnswer: null }
      const settle = [...(route.settle ?? []), () => this.#inFlight.end()]
      own = { ...route, ...none, name: `${route.name}.${SHADOW}`, settle }
      this.#routes.set(route, own)
    }
    return own
  }
}
