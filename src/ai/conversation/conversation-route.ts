import { type Exchange, GatewayError, type Hook } from '../../core/index.ts'
import { principalOf } from '../../governance/index.ts'
import type { MediaFetcher } from '../media/media-fetcher.ts'
import type { ModelRegistry } from '../models/registry.ts'
import type { ModelTarget } from '../models/target.ts'
import { ModelAttempts } from '../routing/attempts.ts'
import { deniedBy, shorten } from '../routing/choose.ts'
import type { RequestFacts, RoutingTarget } from '../routing/contract.ts'
import { ExchangeFacts, type FactsSource } from '../routing/request-facts.ts'
import { RequestRouting } from '../routing/request-routing.ts'
import { mayBeServed, mayUseEverything } from '../routing/visibility.ts'
import { conversationAttempts } from './conversation-attempts.ts'
import { conversationDoubles } from './conversation-double.ts'
import { ConversationState, conversationStateOf } from './conversation-state.ts'
import type { ConversationRequest, PathFacts } from './request-reader.ts'
import type { Surface } from './surface.ts'

/** What a path says of the request, where the dialect puts it there; an error when it says nothing that is served. */
export type ReadPath = (x: Exchange) => PathFacts | GatewayError

/** Which targets can serve a request at all, where not all can; null: all. */
export type Servers = (x: Exchange) => ((target: RoutingTarget) => boolean) | null

export interface InspectOptions {
  /** Null: the body says everything. */
  readonly readPath?: ReadPath | null
  readonly servers?: Servers
  /** Null: nothing is fetched. */
  readonly media?: MediaFetcher | null
}

/** The `inspect` hook of a conversation's path: reads the request and chooses its target. */
export function createConversationInspect(
  registry: ModelRegistry,
  surface: Surface,
  { readPath = null, servers = () => null, media = null }: InspectOptions = {},
): Hook {
  const routing = new RequestRouting(registry, conversationAttempts(registry, media), conversationDoubles)
  const switchTo: NonNullable<ConversationState['switchTo']> = (x, to) => {
    const state = conversationStateOf(x)
    const { body } = x
    const group = registry.resolve(to.model)
    if (state === null || body === null || group === null || state.switched !== null) return false
    // What a canary costs too much is no reason for another model than the client's.
    if (x.attempting instanceof ModelAttempts && x.attempting.isExtra) return false
    if (!allowed(x, registry, to.model)) return false
    const facts = conversationFacts(x, registry, state, body)
    const serves = servers(x)
    const before = x.attempting
    const asked = serves === null ? { registry, group, facts } : { registry, group, facts, serves }
    if (routing.route(x, asked) instanceof GatewayError) return false
    before?.onEnd(x)
    state.target = null
    state.prepared = null
    state.losses = null
    state.switched = to
    return true
  }
  return (x: Exchange) => {
    const body = x.body
    if (body === null) throw new Error('the chat route reads its body')
    const wrongType = checkContentType(x)
    if (wrongType !== null) return wrongType
    const path = readPath === null ? null : readPath(x)
    if (path instanceof GatewayError) return path
    const request = surface.reader.read(body, path)
    if (request instanceof GatewayError) return request
    const state = new ConversationState(surface, request, path)
    state.switchTo = switchTo
    x.surface = state
    x.wantsStream = request.stream
    const group = registry.resolve(request.model)
    if (group === null) return unknownModel(request.model)
    if (!allowed(x, registry, request.model)) return deniedTo(x, registry, request.model)
    const facts = conversationFacts(x, registry, state, body)
    const serves = servers(x)
    const asked = serves === null ? { registry, group, facts } : { registry, group, facts, serves }
    const first = routing.route(x, asked)
    if (first instanceof GatewayError) return first
    prepareFirst(x, state, { target: first.target, request, body })
    return null
  }
}

interface FirstTarget {
  readonly target: ModelTarget
  readonly request: ConversationRequest
  readonly body: Buffer
}

/** Puts the request into the words of the first target while its scan is valid; one that cannot be told it is passed over later. */
function prepareFirst(x: Exchange, state: ConversationState, { target, request, body }: FirstTarget): void {
  state.target = target
  const prepared = target.prepare(x, state, body, request)
  if (!(prepared instanceof GatewayError)) state.prepared = prepared
}

/** What rules may ask of a conversation. */
export function conversationFacts(
  x: FactsSource,
  { reservation }: Pick<ModelRegistry, 'reservation'>,
  state: ConversationState,
  body: Buffer,
): RequestFacts {
  const { surface, choices, maxOutputTokens } = state
  return new ExchangeFacts(x, {
    surface: surface.name,
    model: state.modelRequested,
    stream: state.stream,
    inputTokens: Math.ceil(state.textBytes / reservation.bytesPerToken) + state.mediaTokens,
    outputTokens: (maxOutputTokens ?? reservation.outputTokens) * choices,
    namedOutputTokens: maxOutputTokens,
    mediaItems: state.mediaItems,
    body,
    conversation: surface.reader.shape.names.content ?? null,
  })
}

/** Whether the request's key may use a target of the model of this name, by all the names that it has. */
export function allowed(x: Exchange, registry: ModelRegistry, name: string): boolean {
  const principal = principalOf(x)
  if (mayUseEverything(principal, registry)) return true
  return registry.namesOf(name)?.some((names) => mayBeServed(principal, names)) === true
}

/** The answer for a model that the request's key may not use: it names the level that says so. */
export function deniedTo(x: Exchange, registry: ModelRegistry, name: string): GatewayError {
  const [first] = registry.namesOf(name) ?? []
  const principal = principalOf(x)
  return deniedBy(principal, first === undefined ? null : principal.refusing(first), name)
}

/** The first target of a name that the request's key may use; null when there is none. */
export function firstAllowed(x: Exchange, registry: ModelRegistry, name: string): ModelTarget | null {
  const group = registry.resolve(name)
  const principal = principalOf(x)
  if (group === null || mayUseEverything(principal, registry)) return group?.first ?? null
  const names = registry.namesOf(name)
  const found = group.targets.find((target, position) => {
    const own = names?.[position]
    return target.enabled && own !== undefined && mayBeServed(principal, own)
  })
  return found?.target ?? null
}

/** The answer for a model that does not exist. */
export function unknownModel(name: string): GatewayError {
  const message = `The model "${shorten(name)}" does not exist here. GET /v1/models lists what this key may use.`
  return new GatewayError('resource_not_found', message, { param: 'model' })
}

function checkContentType(x: Exchange): GatewayError | null {
  const type = x.head.contentType
  // Absent is taken as JSON: simple clients leave it out, and the scan decides anyway.
  if (type === null || /^application\/(?:[a-z0-9.+-]*\+)?json\b/i.test(type)) return null
  return new GatewayError('unsupported_media_type', 'The body must be JSON: send Content-Type: application/json.')
}
