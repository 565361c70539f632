import { GatewayError } from '../../core/index.ts'
import type { Capabilities, ClientDialect, UpstreamDialect, UpstreamHabits } from '../dialects/dialect.ts'
import { FieldProblem, readingAll } from '../ir/fields.ts'
import { isObject, type JsonObject, parseExact, writeJson } from '../ir/json.ts'
import { Losses } from '../ir/losses.ts'
import type { ModelRequest } from '../ir/request.ts'
import { type CacheMarking, withCacheMarks } from './cache-marks.ts'
import { lower, type OnUnsupported, type Undo } from './lower.ts'

/** What to do about a request that cannot be carried whole. */
export type OnLoss = 'allow' | 'warn' | 'reject'

export interface TranslationTarget {
  readonly dialect: UpstreamDialect
  /** The upstream's name of the model. */
  readonly model: string
  readonly habits: UpstreamHabits | undefined
  readonly capabilities: Capabilities
  readonly onUnsupported: OnUnsupported
  readonly onLoss: OnLoss
  /** Absent: only clients mark. */
  readonly cacheMarks?: CacheMarking | undefined
  /** Puts back what the client did not send of earlier answers; absent: nothing is missing. */
  readonly restore?: ((request: ModelRequest) => ModelRequest) | undefined
  /** Whether something of a request will be fetched, and the request translated again, before anything is sent. */
  readonly isProvisional?: ((request: ModelRequest) => boolean) | undefined
  /** The provider's own spelling of what the encoder made. */
  readonly patch: ((body: JsonObject, losses: Losses) => JsonObject) | null
}

/** A request that was put into another dialect, and what is needed to put its answer back. */
export interface Translation {
  readonly request: ModelRequest
  readonly undo: Undo
  readonly losses: Losses
  readonly body: Buffer
  /** The most output that the upstream is asked for, where it is told; null: as the client said. */
  readonly outputLimit: number | null
}

/** What a request says beside its body. */
export interface BesideBody {
  /** In dialects that name the model, and streaming, in the path. */
  readonly path: { readonly model: string; readonly stream: boolean } | null
  readonly header?: (name: string) => string | null
}

/** Puts a client's body into the dialect of an upstream, or says why that cannot be. */
export function translateRequest(
  client: ClientDialect,
  body: Buffer,
  { path, header }: BesideBody,
  target: TranslationTarget,
): Translation | GatewayError {
  const losses = new Losses()
  try {
    const parsed = parseExact(body.toString('utf8'))
    if (!isObject(parsed)) throw new FieldProblem('', 'expected an object')
    const context = { model: path?.model ?? null, stream: path?.stream ?? false, header, losses }
    const told = readingAll(losses, () => client.decodeRequest(parsed, context))
    const request = target.restore === undefined ? told : target.restore(told)
    if (client.name !== target.dialect.name) client.checkTranslation?.(request)
    losses.provisional = target.isProvisional?.(request) ?? false
    const { undo, body: encoded, outputLimit } = encodeFor(target, request, losses)
    if (target.onLoss === 'reject' && losses.fidelity === 'lossy') return lossy(losses)
    return { request, undo, losses, body: Buffer.from(encoded), outputLimit }
  } catch (error) {
    if (error instanceof FieldProblem) return problemOf(error)
    if (error instanceof GatewayError) return error
    throw error
  }
}

/** JSON text of a request in the neutral form, as the target is sent it. Throws a FieldProblem for what is refused. */
export function encodeFor(
  target: TranslationTarget,
  request: ModelRequest,
  losses: Losses,
): { readonly undo: Undo; readonly body: string; readonly outputLimit: number | null } {
  const { traits } = target.dialect
  const { capabilities, onUnsupported, model, habits } = target
  const lowered = lower(request, { traits, capabilities, onUnsupported }, losses)
  const least = target.cacheMarks === 'auto' ? (traits.leastCached?.(model, capabilities) ?? null) : null
  const ready =
    least === null || request.dialect === target.dialect.name ? lowered.request : withCacheMarks(lowered.request, least)
  let encoded = target.dialect.encodeRequest(ready, { model, capabilities, losses, habits })
  if (target.patch !== null) encoded = target.patch(encoded, losses)
  const limit = target.dialect.limitOf?.(encoded)
  return { undo: lowered.undo, body: writeJson(encoded), outputLimit: typeof limit === 'number' ? limit : null }
}

/** A request that would lose something, where that is not allowed. */
export function lossy(losses: Losses): GatewayError {
  const names = losses.dropped.slice(0, 16).join(', ')
  return new GatewayError(
    'conversion_lossy',
    `The model behind this name does not take: ${names}. Leave it out, or let the route allow the loss (on_loss).`,
  )
}

/** A client's mistake, in the words of its dialect. */
export function problemOf({ param, message }: FieldProblem): GatewayError {
  const text = param === '' ? `The body: ${message}.` : `"${param}": ${message}.`
  return new GatewayError('invalid_request', text, param === '' ? {} : { param })
}
