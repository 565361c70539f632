import type { BodySource, Exchange } from '../../../core/index.ts'
import type { JsonObject } from '../../ir/json.ts'
import type { Charge } from '../../models/charge.ts'
import type { Usage } from '../../models/price.ts'
import type { ModelTarget } from '../../models/target.ts'
import type { ProviderUpstream } from '../../providers/upstreams.ts'
import type { Origin } from './origin.ts'

/** Ids of files, batches and sessions are of one account. */
const FIRST_CREDENTIAL = 0

/** What one of several targets is asked. */
export interface ForwardTurn {
  readonly provider: ProviderUpstream
  readonly path: string
  readonly body: Buffer | null
  readonly lane: number
}

/** A request that goes to one provider at a time as it is; lives in `x.surface`. */
export class ForwardState {
  readonly name: string
  provider: ProviderUpstream
  /** What it calls for there: path and query. */
  path: string
  modelRequested: string | null = null
  target: ModelTarget | null = null
  source: BodySource | null = null
  body: Buffer | null = null
  upgrade: string | null = null
  /** How ids in answers are told to the client; null: as they are. */
  origin: Origin | null = null
  /** What becomes of a header of the upstream's that no other client gets; null: it stays here. */
  answerHeaders: ((name: string, value: string) => string | null) | null = null
  /** Is shown every whole answer of JSON. */
  onAnswer: ((answer: JsonObject) => void) | null = null
  /** Changes every whole answer of JSON for the client, after its ids. */
  editAnswer: ((answer: JsonObject) => JsonObject) | null = null
  /** Of a list that was asked for: the entries that are the key's; null: all. */
  listed: ReadonlySet<string> | null = null
  /** The most that what it begins may use, where that is known; null: see `mostTokens`. */
  reserved: { readonly tokens: number; readonly nanos: number | null } | null = null
  /** Tokens that are reserved for it. */
  mostTokens = 0
  /** A success is an object of JSON: another answer is none, and another target may be asked. */
  wantsObject = false
  /** It can cost nothing by itself. */
  isFree = false
  /** It finds out what something has used that began earlier. */
  isOwed = false
  /** Says what a whole answer of JSON used; null: its own `usage` does. */
  readAnswer: ((answer: JsonObject) => Usage | null) | null = null
  /** False: what its answer tells was charged elsewhere, or will be. */
  countsUsage = true
  /** Sent along where no client says them: flat, names in lower case. */
  ownHeaders: readonly string[] = []
  /** Which of the provider's credentials it is sent with. */
  lane = FIRST_CREDENTIAL
  usage: Usage | null = null
  /** Tells what was probably used beyond what was told; null: nobody can say. */
  untold: (() => Usage | null) | null = null
  /** Bytes of the answer that are text. */
  textBytes = 0
  /** What `usage` costs, where that was added up; null: what the target's prices say. */
  charge: Charge | null = null
  answered = false

  constructor(name: string, provider: ProviderUpstream, path: string) {
    this.name = name
    this.provider = provider
    this.path = path
  }

  /** An attempt at this target begins. */
  begin(target: ModelTarget, { provider, path, body, lane }: ForwardTurn): void {
    this.target = target
    this.provider = provider
    this.path = path
    this.body = body
    this.lane = lane
    this.forgetAnswer()
  }

  /** Another attempt follows: what came of this one is no part of its answer. */
  forgetAnswer(): void {
    this.usage = null
    this.untold = null
    this.textBytes = 0
    this.charge = null
    this.answered = false
  }
}

/** The state of a request that is forwarded, else null. */
export function forwardStateOf(x: Exchange): ForwardState | null {
  return x.surface instanceof ForwardState ? x.surface : null
}
