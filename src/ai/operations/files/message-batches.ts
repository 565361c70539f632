import type { ConfigDocument } from '../../../config/index.ts'
import { type Exchange, type Gate, GatewayError, WAIT } from '../../../core/index.ts'
import { principalOf } from '../../../governance/index.ts'
import { isObject, type JsonObject } from '../../ir/json.ts'
import type { ModelRegistry } from '../../models/registry.ts'
import type { ProviderUpstream } from '../../providers/upstreams.ts'
import { BatchResultsTap } from '../forward/batch-results-tap.ts'
import { namedProvider, providerOf } from '../forward/choose-provider.ts'
import type { ClaimedUsage } from '../forward/claimed-usage.ts'
import { defaultProvider, rootIn } from '../forward/default-provider.ts'
import { ForwardCandidate } from '../forward/forward-candidate.ts'
import { ForwardState } from '../forward/forward-state.ts'
import { type OriginOfId, readId } from '../forward/origin.ts'
import { readMessagesLine } from '../forward/result-lines.ts'
import { withPlainCursors } from './anthropic-files.ts'
import type { BatchFacts } from './batch-facts.ts'
import { firstModel, readRequests, requestsOf } from './batch-requests.ts'
import { type Ownership, ownerLookUps } from './ownership.ts'
import { namesIn, referencesIn, withPlainIds } from './references.ts'

const DIALECT = 'anthropic-messages'
const PATH = '/v1/messages/batches'
/** Apart from the batches of OpenAI's API. */
const KIND = 'batches of messages'
const FIRST_CREDENTIAL = 0
export interface MessageBatchesOptions {
  readonly registry: ModelRegistry
  readonly document: ConfigDocument
  readonly ownership: Ownership
  /** The results tell what a batch used, each time that they are read. */
  readonly usage: ClaimedUsage
}

/** A call as its method and path say it. */
interface Call {
  readonly does: 'create' | 'list' | 'retrieve' | 'cancel' | 'delete' | 'results'
  readonly asked: OriginOfId
}

/** What was looked up for it. */
interface Known {
  readonly name: string
  readonly provider: ProviderUpstream
  readonly root: string
  readonly lane: number
  /** Of a list: what of it is the key's; null: all. */
  readonly listed: ReadonlySet<string> | null
  /** Of a new batch: as it goes to the provider, and what its requests may use. */
  readonly made: { readonly body: Buffer; readonly facts: BatchFacts } | null
}

/** The `inspect` hook of `/v1/messages/batches`: they stay with the provider, the account and the key that made them. */
export function createMessageBatches(options: MessageBatchesOptions): Gate {
  const { ownership, registry, usage, document } = options
  const known = ownerLookUps<Known>()
  return (x) => {
    const call = callOf(x)
    if (call instanceof GatewayError) return call
    const found = known.of(x)
    if (found === undefined) return known.begin(x, lookUp(x, call, options))
    const { does, asked } = call
    const { name, provider, root, lane, listed, made } = found
    const thing = (id: string) => `batch ${name} ${id}`
    const isOurs = does === 'results' ? usage.of(x, thing(asked.id)) : false
    if (isOurs === WAIT) return WAIT
    const state = new ForwardState('batches', provider, `${root}${pathOf(call)}${withPlainCursors(x.query)}`)
    const key = principalOf(x).id
    state.lane = lane
    state.origin = ownership.originOf(key, name)
    state.listed = listed
    state.isFree = true
    state.countsUsage = isOurs
    state.isOwed = isOurs
    state.body = made?.body ?? null
    state.reserved = made?.facts ?? null
    state.editAnswer = (answer) => withOwnAddresses(x, answer)
    state.onAnswer = (answer) => {
      const { id } = answer
      if (does === 'create' && typeof id === 'string') {
        const credential = provider.credentials[lane] ?? ''
        const look = { kind: 'batch of messages', provider: name, credential, id, model: null } as const
        usage.begun(x, thing(id), { look, isHeld: true })
        ownership.things.keep(key, { id, kind: KIND, provider: name, credential, batch: null })
      }
      if (does === 'delete') ownership.things.remove(key, asked.id, name)
      if (does === 'retrieve' && endedWithNothing(answer)) usage.free(thing(asked.id))
    }
    x.surface = state
    const limit = document.limits.body
    if (limit < (state.body?.length ?? 0)) {
      const message = `With its models as the provider calls them, the batch is larger than the limit of ${limit} bytes.`
      return new GatewayError('request_too_large', message)
    }
    const onFree = () => usage.free(thing(asked.id))
    const results = (on: Exchange, source: ForwardCandidate) =>
      new BatchResultsTap(source, on, state, { registry, readLine: readMessagesLine, onFree })
    x.candidates = [new ForwardCandidate(state, does === 'results' ? results : undefined)]
    return null
  }
}

function callOf(x: Exchange): Call | GatewayError {
  const [first = '', part = null, ...more] = x.rest === '' ? [] : x.rest.split('/')
  const asked = readId(first)
  const does =
    more.length > 0
      ? undefined
      : CALLS.get(`${x.method} ${asked.id === '' ? '' : '/id'}${part === null ? '' : `/${part}`}`)
  return does === undefined ? new GatewayError('not_found', `There is no ${x.method} ${x.path} here.`) : { does, asked }
}

const CALLS: ReadonlyMap<string, Call['does']> = new Map([
  ['POST ', 'create'],
  ['GET ', 'list'],
  ['GET /id', 'retrieve'],
  ['POST /id/cancel', 'cancel'],
  ['DELETE /id', 'delete'],
  ['GET /id/results', 'results'],
])

function pathOf({ does, asked }: Call): string {
  const path = asked.id === '' ? '/messages/batches' : `/messages/batches/${encodeURIComponent(asked.id)}`
  return does === 'cancel' || does === 'results' ? `${path}/${does}` : path
}

async function lookUp(
  x: Exchange,
  { does, asked }: Call,
  options: MessageBatchesOptions,
): Promise<Known | GatewayError> {
  if (does === 'create') return await lookAt(x, options)
  const { ownership } = options
  const key = principalOf(x).id
  const isOne = does !== 'list'
  const thing = isOne ? await ownership.things.find(key, asked.id, asked.provider) : null
  const place = placeOf(asked.provider ?? namedProvider(x) ?? thing?.provider ?? null, options)
  if (place instanceof GatewayError) return place
  const { name, provider } = place
  if (isOne) {
    if (!(await ownership.mayUse(key, asked, name))) return noSuchBatch(asked.id)
    const lane = thing === null ? FIRST_CREDENTIAL : laneOf(provider, thing.credential)
    return { ...place, lane, listed: null, made: null }
  }
  const listed = ownership.isBound ? ((await ownership.things.listed(key, KIND, name)) ?? new Set<string>()) : null
  return { ...place, lane: FIRST_CREDENTIAL, listed, made: null }
}

/** Every request of a new batch, before any of it goes anywhere. */
async function lookAt(x: Exchange, options: MessageBatchesOptions): Promise<Known | GatewayError> {
  const { ownership, registry } = options
  const principal = principalOf(x)
  const sent = x.body ?? Buffer.alloc(0)
  const starts = requestsOf(sent)
  if (starts instanceof GatewayError) return starts
  const named = referencesIn(sent, namesIn(DIALECT))
  if (named instanceof GatewayError) return named
  const keeper = named === null ? null : await ownership.keeperOf(principal.id, named.references)
  if (keeper instanceof GatewayError) return keeper
  const body = named === null ? sent : withPlainIds(named.body)
  const again = named === null ? starts : requestsOf(body)
  if (again instanceof GatewayError) return again
  const of = namedProvider(x) ?? keeper?.provider ?? providerOfModel(firstModel(body, again), options)
  const place = placeOf(of, options)
  if (place instanceof GatewayError) return place
  const { name, provider } = place
  if (keeper !== null && keeper.provider !== name) {
    const message = `The batch names files that the provider "${keeper.provider}" keeps, and it goes to the provider "${name}".`
    return new GatewayError('invalid_request', message)
  }
  const { bytesPerToken, outputTokens, webSearches } = registry.reservation
  const made = await readRequests(body, again, {
    registry,
    principal,
    provider: name,
    nameOf: provider.nameOf,
    modelInJob: false,
    bytesPerToken,
    outputTokens,
    webSearches,
    atMs: x.time,
    refer: (params) => params,
  })
  if (made instanceof GatewayError) return made
  const lane = keeper === null ? FIRST_CREDENTIAL : laneOf(provider, keeper.credential)
  return { ...place, lane, listed: null, made }
}

/** Of the providers of a model that speak the dialect: the one that is asked by default, else the first; null for none. */
function providerOfModel(model: string | null, { registry, document }: MessageBatchesOptions): string | null {
  const targets = model === null ? [] : (registry.resolve(model)?.targets ?? [])
  const names = targets
    .map(({ target }) => target.provider)
    .filter((name) => {
      const provider = registry.provider(name)
      return provider !== null && rootIn(provider, DIALECT) !== null
    })
  const usual = defaultProvider(registry, DIALECT, document.passthrough.providers)
  return usual !== null && names.includes(usual) ? usual : (names[0] ?? null)
}

/** The provider that is named, or the one for callers of this dialect. */
function placeOf(
  named: string | null,
  { registry, document }: MessageBatchesOptions,
): Pick<Known, 'name' | 'provider' | 'root'> | GatewayError {
  const name = named ?? defaultProvider(registry, DIALECT, document.passthrough.providers)
  if (name === null) {
    const message = 'No provider here makes batches of Messages, or several do: name one in x-ferro-provider.'
    return new GatewayError('not_found', message, { param: 'x-ferro-provider' })
  }
  const provider = providerOf(registry, name)
  if (provider instanceof GatewayError) return provider
  const root = rootIn(provider, DIALECT)
  if (root !== null) return { name, provider, root }
  const message = `The provider "${name.slice(0, 64)}" makes no batches of Messages: it does not speak that dialect.`
  return new GatewayError('invalid_request', message, { param: 'x-ferro-provider' })
}

function laneOf({ credentials }: ProviderUpstream, credential: string): number {
  return Math.max(FIRST_CREDENTIAL, credentials.indexOf(credential))
}

/** Over, and no request of it came to an answer: others cost nothing (Message Batches API, 2026-11). */
function endedWithNothing({ processing_status: status, request_counts: counts }: JsonObject): boolean {
  return status === 'ended' && isObject(counts) && counts['succeeded'] === 0
}

/** Clients read the results where the batch says that they are. */
function withOwnAddresses(x: Exchange, answer: JsonObject): JsonObject {
  const { id, data, results_url: address } = answer
  if (Array.isArray(data)) {
    return { ...answer, data: data.map((entry: unknown) => (isObject(entry) ? withOwnAddresses(x, entry) : entry)) }
  }
  if (typeof address !== 'string' || typeof id !== 'string') return answer
  const scheme = x.origin?.scheme ?? x.client.scheme
  const host = x.head.get('host') ?? 'localhost'
  return { ...answer, results_url: `${scheme}://${host}${PATH}/${encodeURIComponent(id)}/results` }
}

function noSuchBatch(id: string): GatewayError {
  const shown = id.length > 128 ? `${id.slice(0, 128)}…` : id
  return new GatewayError('not_found', `There is no batch "${shown}" of this key.`, { param: 'id' })
}
