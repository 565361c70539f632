import type { ConfigDocument } from '../../../config/index.ts'
import { bodyTooLarge, type Exchange, type Gate, GatewayError, WAIT } from '../../../core/index.ts'
import { principalOf } from '../../../governance/index.ts'
import { isObject } from '../../ir/json.ts'
import type { ModelRegistry } from '../../models/registry.ts'
import type { ProviderUpstream } from '../../providers/upstreams.ts'
import { type BatchFacts, checkFacts } from '../files/batch-facts.ts'
import { startUpload } from '../files/file-gate.ts'
import { FileUpload } from '../files/file-upload.ts'
import { noSuch, type Ownership, ownerLookUps } from '../files/ownership.ts'
import { withPlainIds } from '../files/references.ts'
import { readBatchUsage } from '../unread/batch-usage.ts'
import { namedProvider, onlyOf, providerOf } from './choose-provider.ts'
import type { ClaimedUsage } from './claimed-usage.ts'
import { ForwardCandidate } from './forward-candidate.ts'
import { ForwardState } from './forward-state.ts'
import { type OriginOfId, readId } from './origin.ts'

export interface FilesOptions {
  readonly registry: ModelRegistry
  readonly document: ConfigDocument
  readonly ownership: Ownership
  /** `files` or `batches`. */
  readonly kind: 'files' | 'batches'
  /** Batches tell what they used with every look. */
  readonly usage: ClaimedUsage
}

/** What was looked up for a request. */
interface Known {
  /** Of a list: what of it is the key's; null: all. */
  readonly listed: ReadonlySet<string> | null
  /** Of a new batch: what its lines ask for, if they were seen. */
  readonly facts: BatchFacts | null
}

/** A call about files or batches, as its path, headers and body say it. */
interface Call {
  readonly name: string
  readonly provider: ProviderUpstream
  /** The thing that the path names; its id is empty for none. */
  readonly asked: OriginOfId
  /** What follows it. */
  readonly more: readonly string[]
  /** The input file that a new batch names. */
  readonly input: NamedInput | null
}

/** The `inspect` hook of files and batches: they stay with the provider, the account and the key that made them. */
export function createFilesInspect(options: FilesOptions): Gate {
  const { kind, usage, ownership, document } = options
  const known = ownerLookUps<Known>()
  return (x) => {
    const call = callOf(x, options)
    if (call instanceof GatewayError) return call
    const { name, provider, asked, more } = call
    const isNew = x.method === 'POST' && asked.id === ''
    const found = known.of(x)
    if (found === undefined) return known.begin(x, lookUp(x, call, options))
    const upload = x.surface instanceof FileUpload ? x.surface : null
    if (kind === 'files' && isNew && upload === null) return startUpload(x, { ...options, name, provider })
    const isOurs = kind === 'batches' && isLook(x, more) ? usage.of(x, thingOf(name, asked.id)) : false
    if (isOurs === WAIT) return WAIT
    const state = new ForwardState(kind, provider, provider.pathTo(pathOf(x, kind, call), null))
    const key = principalOf(x).id
    state.origin = ownership.originOf(key, name)
    state.listed = found.listed
    state.isFree = true
    state.countsUsage = isOurs
    state.isOwed = isOurs
    state.source = upload?.body ?? null
    state.body = upload === null && x.body !== null && x.body.length > 0 ? withPlainIds(x.body) : null
    if (kind === 'batches' && isNew && found.facts !== null) state.reserved = found.facts
    const credential = provider.credentials[state.lane] ?? ''
    state.readAnswer = (answer) => {
      const { id } = answer
      if (isNew && typeof id === 'string') {
        if (kind === 'batches') {
          const look = { kind: 'batch', provider: name, credential, id, model: null } as const
          usage.begun(x, thingOf(name, id), { look, isHeld: state.reserved !== null })
        }
        ownership.things.keep(key, { id, kind, provider: name, credential, batch: upload?.batch?.facts ?? null })
      }
      if (x.method === 'DELETE' && more.length === 0) ownership.things.remove(key, asked.id, name)
      const onFree = () => {
        if (kind === 'batches' && !isNew) usage.free(thingOf(name, asked.id))
      }
      return readBatchUsage(answer, { registry: options.registry, state, name, onFree })
    }
    x.surface = state
    if (document.limits.body < (state.body?.length ?? 0)) return bodyTooLarge(document.limits.body)
    x.candidates = [new ForwardCandidate(state)]
    return null
  }
}

/** Whose things the call is about, before it goes anywhere. */
async function lookUp(
  x: Exchange,
  call: Call,
  { ownership, registry, kind }: FilesOptions,
): Promise<Known | GatewayError> {
  const { asked, name, input } = call
  const principal = principalOf(x)
  const key = principal.id
  if (asked.id !== '' && !(await ownership.mayUse(key, asked, name))) return noSuch(asked.id)
  if (kind === 'batches' && x.method === 'POST' && asked.id === '') {
    const of = input?.of ?? NO_ID
    if (!(await ownership.mayUse(key, of, name))) return noSuch(input?.said ?? '')
    const facts = (await ownership.things.find(key, of.id, name))?.batch ?? null
    const refused = checkFacts(facts, { registry, principal, provider: name })
    return refused ?? { listed: null, facts }
  }
  if (x.method !== 'GET' || asked.id !== '' || !ownership.isBound) return { listed: null, facts: null }
  const listed = await ownership.things.listed(key, kind, name)
  if (listed !== null) return { listed, facts: null }
  return new GatewayError('resource_denied', 'This gateway binds files and batches to keys: it cannot list them.')
}

function callOf(x: Exchange, { registry, ownership, document }: FilesOptions): Call | GatewayError {
  const [first = '', ...more] = x.rest === '' ? [] : x.rest.split('/')
  const asked = readId(first)
  const input = inputOf(x)
  if (input instanceof GatewayError) return input
  const { keepers } = ownership
  const name = asked.provider ?? input?.of.provider ?? namedProvider(x) ?? document.files.provider ?? onlyOf(keepers)
  if (name === null) {
    const message = `Several providers could be meant, or none: name one in x-ferro-provider (${keepers.join(', ') || 'none is configured'}).`
    return new GatewayError('invalid_request', message, { param: 'x-ferro-provider' })
  }
  const provider = keepers.includes(name) ? providerOf(registry, name) : notKeeping(name)
  return provider instanceof GatewayError ? provider : { name, provider, asked, more, input }
}

function pathOf({ query }: Exchange, kind: string, { asked, more }: Call): string {
  const segments = asked.id === '' ? [] : [asked.id, ...more]
  const path = ['', kind, ...segments.map(encodeURIComponent)].join('/')
  const told = withoutOrigins(query)
  return told === '' ? path : `${path}?${told}`
}

/** The name under which the usage of a batch is claimed. */
function thingOf(provider: string, id: string): string {
  return `batch ${provider} ${id}`
}

/** One batch is looked at, whose answer tells its usage when it is over. */
function isLook(x: Exchange, more: readonly string[]): boolean {
  return x.rest !== '' && x.method === 'GET' && more.length === 0
}

interface NamedInput {
  /** As the client has it. */
  readonly said: string
  readonly of: OriginOfId
}

const NO_ID: OriginOfId = { id: '', provider: null, tag: null }

/** The input file that a body names. */
function inputOf(x: Exchange): NamedInput | null | GatewayError {
  if (x.body === null || x.body.length === 0) return null
  let value: unknown
  try {
    value = JSON.parse(x.body.toString('utf8'))
  } catch {
    return new GatewayError('invalid_json', 'The body is not valid JSON.')
  }
  if (!isObject(value)) return new GatewayError('invalid_request', 'The body must be a JSON object.')
  const { input_file_id: id } = value
  const said = typeof id === 'string' ? id : ''
  return { said, of: readId(said) }
}

/** Cursors of lists are ids too. */
function withoutOrigins(query: string): string {
  if (query === '') return query
  const parameters = new URLSearchParams(query)
  for (const name of ['after', 'before']) {
    const value = parameters.get(name)
    if (value !== null) parameters.set(name, readId(value).id)
  }
  return parameters.toString()
}

function notKeeping(name: string): GatewayError {
  const message = `The provider "${name.slice(0, 64)}" keeps no files and batches, or is not configured.`
  return new GatewayError('invalid_request', message, { param: 'x-ferro-provider' })
}
