import { answerWith, type Exchange, type Gate, GatewayError } from '../../core/index.ts'
import { allowed, unknownModel } from '../conversation/conversation-route.ts'
import { RequestScanner } from '../conversation/fields.ts'
import type { ClientDialectName } from '../conversation/readers.ts'
import { scanError } from '../conversation/request-reader.ts'
import { clientDialect, dialectOf } from '../dialects/tables.ts'
import type { TokenCountDialect } from '../dialects/token-counts.ts'
import { FieldProblem } from '../ir/fields.ts'
import { isObject, type JsonObject, parseExact, writeJson } from '../ir/json.ts'
import { Losses } from '../ir/losses.ts'
import type { ModelRequest } from '../ir/request.ts'
import { LookUps } from '../look-ups.ts'
import type { ModelRegistry } from '../models/registry.ts'
import type { ModelTarget } from '../models/target.ts'
import type { TargetEndpoint } from '../models/target-endpoint.ts'
import { isOf } from '../operations/files/referring-inspect.ts'
import { chooseTarget } from '../routing/choose.ts'
import { plainFacts } from '../routing/request-facts.ts'
import { countTokens, type TokenCount, type TokenCounter } from '../tokens/count-tokens.ts'
import { problemOf } from '../translate/translation.ts'
import { CountAttempts } from './count-attempts.ts'
import { CountCandidate, type CountSource } from './count-candidate.ts'
import { estimateRequest } from './estimate-request.ts'
import { OWN_COUNT } from './own-count.ts'

/** Who keeps what a request goes on with. */
interface Keeper {
  readonly provider: string
  readonly credential: string
}

/** What is asked beside the body. */
export interface Counted {
  readonly dialect: ClientDialectName
  /** The model of the path; null where the body names it. */
  readonly pathModel: string | null
  /** Who keeps what the request goes on with: only that provider can count it, by this credential. */
  readonly kept?: Keeper | undefined
}

/**
 * Answers how many tokens a request has: by the model's vendor where its dialect can say it, else by the model's public tokenizer,
 * else by a rule of thumb. The header `x-ferro-token-count` says which: `vendor`, `exact`, `estimated`.
 */
export class TokenCounting {
  readonly #registry: ModelRegistry
  readonly #counter: TokenCounter | null
  readonly #known = new LookUps<TokenCount>('Tokens cannot be counted')

  constructor(registry: ModelRegistry, counter: TokenCounter | null) {
    this.#registry = registry
    this.#counter = counter
  }

  /** For an `inspect`, which is asked again after WAIT. */
  count(x: Exchange, { dialect, pathModel, kept }: Counted): ReturnType<Gate> {
    const client = dialectOf(dialect).counts
    if (client === undefined) return new GatewayError('not_found', 'Nothing is counted in this dialect.')
    try {
      const body = parsed(x)
      const target = this.#targetOf(x, pathModel ?? body['model'], kept ?? null)
      if (target instanceof GatewayError) return target
      const vendor = this.#endpointOf(target)
      if (kept !== undefined)
        return this.#atKeeper(x, { target, vendor, body, lane: target.credentials.indexOf(kept.credential), client })
      const request = client.decodeRequest(body, { model: pathModel, stream: false, losses: new Losses() })
      if (vendor !== null) {
        const own = vendor.dialect === client ? ownBody(x, body, vendor, dialect) : null
        return askVendor(x, { target, vendor, request, client, own })
      }
      return this.#own(x, target, request, client)
    } catch (error) {
      if (error instanceof FieldProblem) return problemOf(error)
      if (error instanceof GatewayError) return error
      throw error
    }
  }

  #targetOf(x: Exchange, model: unknown, keeper: Keeper | null): ModelTarget | GatewayError {
    if (typeof model !== 'string' || model === '') throw new FieldProblem('model', 'expected a text')
    const group = this.#registry.resolve(model)
    if (group === null || !allowed(x, this.#registry, model)) return unknownModel(model)
    const chosen = chooseTarget(x, {
      registry: this.#registry,
      group,
      facts: plainFacts(x, 'count', model),
      serves: ({ target }) => keeper === null || isOf(keeper, target),
    })
    return chosen instanceof GatewayError ? chosen : chosen.target
  }

  #endpointOf(target: ModelTarget): Vendor | null {
    const kind = this.#registry.provider(target.provider)?.kind ?? ''
    const endpoint = target.endpointWhere((name) => {
      const { counts } = dialectOf(name)
      return counts !== undefined && counts.kinds?.has(kind) !== false
    })
    const dialect = endpoint === null ? undefined : dialectOf(endpoint.endpoint.dialect).counts
    return endpoint === null || dialect === undefined ? null : { endpoint, dialect }
  }

  /** What the request names is not here: it goes as it is. */
  #atKeeper(x: Exchange, { target, vendor, body, lane, client }: AtKeeper): GatewayError | null {
    if (vendor === null || vendor.dialect !== client) {
      return new GatewayError('invalid_request', 'Only its provider could count this, and it counts nothing.')
    }
    const { model: _model, ...rest } = body
    const bytes = Buffer.from(writeJson({ model: vendor.endpoint.modelName, ...rest }))
    x.candidates = [candidate({ target, vendor, body: bytes, client, lane, relays: true })]
    return null
  }

  /** Counts here, by the model's own tokenizer where that is public. */
  #own(x: Exchange, target: ModelTarget, request: ModelRequest, client: TokenCountDialect): ReturnType<Gate> {
    const encoding = target.facts?.entry?.encoding ?? null
    const known = this.#known.of(x)
    if (known === undefined && encoding !== null && this.#counter !== null) {
      const count = countTokens(encoding, request, this.#counter)
      return this.#known.begin(
        x,
        count.catch(() => estimated(request)),
      )
    }
    const { tokens, exact } = known ?? estimated(request)
    const source: CountSource = exact ? 'exact' : 'estimated'
    const headers = ['content-type', 'application/json', 'x-ferro-model', target.name, 'x-ferro-token-count', source]
    answerWith(x, 200, { headers, body: Buffer.from(JSON.stringify(client.encodeAnswer(tokens))) })
    return null
  }
}

function estimated(request: ModelRequest): TokenCount {
  return { tokens: estimateRequest(request), exact: false }
}

/** An endpoint that counts, and how it is asked. */
interface Vendor {
  readonly endpoint: TargetEndpoint
  readonly dialect: TokenCountDialect
}

interface AtKeeper {
  readonly target: ModelTarget
  readonly vendor: Vendor | null
  readonly body: JsonObject
  readonly lane: number
  readonly client: TokenCountDialect
}

interface Asking {
  readonly target: ModelTarget
  readonly vendor: Vendor
  readonly request: ModelRequest
  readonly client: TokenCountDialect
  /** The client's body, where the vendor reads it as it is. */
  readonly own: JsonObject | null
}

/** A body in the vendor's own dialect, whose every member counts; null where it must be translated all the same. */
function ownBody(
  x: Exchange,
  body: JsonObject,
  { endpoint, dialect }: Vendor,
  name: ClientDialectName,
): JsonObject | null {
  const seals = clientDialect(name).foreignSeals ?? []
  if (seals.some((seal) => x.body?.includes(seal) === true)) return null
  if (dialect.ownBody !== undefined) return dialect.ownBody(body, endpoint.modelName, endpoint.path(false))
  return { ...body, model: endpoint.modelName }
}

/** The vendor's endpoint may not be there, of a server that only speaks its dialect: then an estimate is given. */
function askVendor(x: Exchange, { target, vendor, request, client, own: told }: Asking): null {
  const { endpoint, dialect } = vendor
  const counted = told ?? endpoint.countBody(request, dialect)
  const body = dialect.atPath?.(counted, dialect.path(endpoint.path(false))) ?? counted
  const own = new CountCandidate({
    target,
    endpoint: null,
    upstream: OWN_COUNT,
    source: 'estimated',
    path: '/',
    body: Buffer.from(JSON.stringify({ tokens: estimateRequest(request) })),
    read: ({ tokens }) => (typeof tokens === 'number' ? tokens : null),
    answer: (tokens) => client.encodeAnswer(tokens),
  })
  const asked = candidate({ target, vendor, body: Buffer.from(writeJson(body)), client, relays: told !== null })
  x.attempting = new CountAttempts(asked, own)
  return null
}

function candidate({
  target,
  vendor: { endpoint, dialect },
  body,
  client,
  lane,
  relays,
}: Pick<Asking, 'target' | 'vendor' | 'client'> & {
  readonly body: Buffer
  readonly lane?: number
  readonly relays: boolean
}): CountCandidate {
  return new CountCandidate({
    target,
    endpoint,
    source: 'vendor',
    lane,
    relays,
    path: dialect.path(endpoint.path(false)),
    body,
    read: (answer) => dialect.decodeAnswer(answer),
    answer: (tokens) => client.encodeAnswer(tokens),
  })
}

/** Bodies here are as large as those that are answered, and are held to the same bounds. */
const BODY = new RequestScanner({})

function parsed(x: Exchange): JsonObject {
  const scanned = BODY.scan(x.body ?? Buffer.alloc(0))
  if (scanned.kind === 'too-many' || scanned.kind === 'too-deep') throw scanError(scanned)
  let value: unknown
  try {
    value = parseExact((x.body ?? Buffer.alloc(0)).toString('utf8'))
  } catch {
    throw new FieldProblem('', 'is not valid JSON')
  }
  if (!isObject(value)) throw new FieldProblem('', 'must be a JSON object')
  return value
}
