import type { Attempt } from './attempt.ts'
import type { Attempting } from './attempting.ts'
import type { ClientStream } from './client-stream.ts'
import type { Watched } from './deadlines.ts'
import type { GatewayError } from './errors.ts'
import type { Gateway } from './gateway.ts'
import type { RequestHead } from './http1/request-head.ts'
import type { RouteMatch } from './match/compiled-rule.ts'
import type { Candidate, Route } from './phases.ts'
import type { Plan } from './plan.ts'
import type { ClientOrigin } from './proxy/client-address.ts'

/** Who calls, as far as the core needs to know; governance's principals extend it. */
export interface Principal {
  readonly id: string
}

/** How a request ended; the words of the request record. */
export type EndState = 'success' | 'refused' | 'upstream_error' | 'timeout' | 'cancelled' | 'drained' | 'gateway_error'

/** What a gate changes of the request on its way to the upstream. Names in lower case. */
export interface HeaderOverlay {
  /** Headers of the client that are taken away. */
  readonly removed: ReadonlySet<string>
  /** Flat: name, value, name, value; they are set. */
  readonly set: readonly string[]
}

/** A request body on its way through. */
export interface Upload {
  readonly complete: boolean
  /** Who is waited for, as long as it is not complete. */
  readonly waitsFor: 'client' | 'upstream'
  /** When a byte was last taken or handed over, of `performance.now()`. */
  readonly movedAt: number
  /** False: what was handed over is not there any more, and no other attempt can have it. */
  readonly replayable: boolean
  /** The attempt is over: nothing more goes to it. */
  close(): void
}

/** What tells one request from all others; a double of a request has the same, or some of it. */
export interface Identity {
  readonly id: string
  readonly traceId: string
  readonly startedAt: number
  readonly time: number
}

/** Everything known of one request. Made once, every field set here, so that its shape never changes. */
export class Exchange {
  readonly gateway: Gateway
  /** The client's side; a gate may wrap it, e.g. to compress what is sent. */
  client: ClientStream
  /** The plan that the request started with; a swap does not touch it. */
  readonly plan: Plan
  readonly head: RequestHead
  readonly method: string
  /** Canonical path, without the query string. */
  readonly path: string
  readonly query: string
  /** Our own id, unique. */
  readonly id: string
  readonly traceId: string
  /** Monotonic milliseconds (`performance.now()` of this thread). */
  readonly startedAt: number
  /** Milliseconds since the epoch. */
  readonly time: number

  route: Route | null = null
  /** The rule of the route table that was found; null for the gateway's own paths. */
  found: RouteMatch<Route> | null = null
  /** Who asks, when proxies may say so or a route may ask; else null, and the client's peer address counts. */
  origin: ClientOrigin | null = null
  /** What a prefix route left of the path. */
  rest = ''
  principal: Principal | null = null
  body: Buffer | null = null
  bodyBytes = 0
  /** Where `body` lies, when that memory can serve another body afterwards. */
  bodyMemory: Buffer | null = null
  /** Dispatches that may still read the body. */
  bodyClaims = 0
  /** Somebody else may: its memory serves no other request. */
  keepsBody = false
  /** Bytes of a request body that was relayed and not held. */
  bytesIn = 0
  /** Belongs to the surface of the route; nobody else reads it. */
  surface: unknown = null
  /** Belongs to governance: what was reserved for the current attempt. */
  reservation: unknown = null
  /** Belongs to governance: where the request counts as one in flight. */
  inFlight: unknown = null
  /** Belongs to governance: what its admission took of rates, which a later refusal returns. */
  admission: unknown = null
  /** Neighbours among the requests in flight; only ExchangeList touches them. */
  next: Exchange | null = null
  previous: Exchange | null = null
  /** What this request waits for now. */
  watched: Watched | null = null
  candidates: readonly Candidate[] | null = null
  candidateIndex = 0
  /** Names the candidate of each attempt, when there may be several; `candidates` is then null. */
  attempting: Attempting | null = null
  /** The candidate of the current attempt. */
  candidate: Candidate | null = null
  /** Gates that were passed: `identify`, then those of `admit`. */
  gate = 0
  /** Whom a gate waits for: told when the request ends before it knows. */
  waiting: { cancel(): void } | null = null
  overlay: HeaderOverlay | null = null
  /** What gates add to the headers of the answer, whoever gives it: flat, names in lower case. */
  gateHeaders: string[] | null = null
  /** A body that is relayed while it arrives. */
  upload: Upload | null = null
  /** Hears in place of the attempt that the client takes more, and tells the attempt when it has room itself. */
  onDrain: (() => void) | null = null
  attempt: Attempt | null = null
  /** Attempts dispatched upstream. */
  attempts = 0
  /** The current attempt has a connection and its request is on the way: the upstream may work on it. */
  sent = false
  /** The client asked for a stream. */
  wantsStream = false
  dispatchedAt = 0
  firstByteAt = 0
  endedAt = 0
  /** Status sent, 0 before. */
  status = 0
  bytesOut = 0
  error: GatewayError | null = null
  end: EndState = 'success'
  cancelled = false
  settled = false

  constructor(
    gateway: Gateway,
    plan: Plan,
    client: ClientStream,
    head: RequestHead,
    path: string,
    query: string,
    identity: Identity | null = null,
  ) {
    this.gateway = gateway
    this.plan = plan
    this.client = client
    this.head = head
    this.method = head.method
    this.path = path
    this.query = query
    this.id = identity?.id ?? gateway.ids.next()
    this.traceId = identity?.traceId ?? head.traceId ?? gateway.ids.traceId()
    this.startedAt = identity?.startedAt ?? performance.now()
    this.time = identity?.time ?? Date.now()
  }
}
