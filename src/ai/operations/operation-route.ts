import { type Exchange, GatewayError, type Hook } from '../../core/index.ts'
import { type Edit, patchTopLevel, type ScannedObject } from '../../lib/index.ts'
import { allowed, deniedTo, unknownModel } from '../conversation/conversation-route.ts'
import { isObject, type JsonObject, writeJson } from '../ir/json.ts'
import { Losses } from '../ir/losses.ts'
import type { ModelRegistry } from '../models/registry.ts'
import type { RequestFacts } from '../routing/contract.ts'
import { ExchangeFacts } from '../routing/request-facts.ts'
import type { RequestRouting } from '../routing/request-routing.ts'
import { type JsonRequest, memberAt, readJsonRequest } from './json-request.ts'
import type { Operation, OperationMember } from './operation.ts'
import { operationRouting, type PrepareOperation, servingAt } from './operation-attempts.ts'
import { OperationState } from './operation-state.ts'
import type { Serving } from './providers.ts'

/** The `inspect` hook of an operation whose requests are JSON. */
export function createOperationInspect(registry: ModelRegistry, operation: Operation): Hook {
  const routing = operationRouting(registry, operation, prepareJson)
  return (x) => {
    const { body } = x
    if (body === null) throw new Error(`${operation.name} reads its body`)
    const wrongType = checkJsonType(x)
    if (wrongType !== null) return wrongType
    const request = readJsonRequest(operation, body)
    if (request instanceof GatewayError) return request
    const state = new OperationState(operation, request.facts)
    state.vectors = request.vectors
    x.surface = state
    x.wantsStream = request.facts.stream
    return chooseTargets(x, registry, { state, routing })
  }
}

/** A request of one kind of operations, and how those are routed. */
export interface Choosing {
  readonly state: OperationState
  readonly routing: RequestRouting
}

/** Puts the targets of a request's model in order that its key may use and whose providers serve the operation. */
export function chooseTargets(x: Exchange, registry: ModelRegistry, { state, routing }: Choosing): GatewayError | null {
  const { operation, facts } = state
  const group = registry.resolve(facts.model)
  if (group === null) return unknownModel(facts.model)
  if (!allowed(x, registry, facts.model)) return deniedTo(x, registry, facts.model)
  const first = routing.route(x, {
    registry,
    group,
    facts: operationFacts(x, registry, state),
    serves: ({ target }) => servingAt(target, operation) !== null,
  })
  if (first instanceof GatewayError) return first
  // Whoever is refused before the first attempt belongs to somebody.
  state.target = first.target
  return null
}

/** The client's own bytes for who speaks OpenAI's words, and others in its own. */
const prepareJson: PrepareOperation = (x, state, target) => {
  const { body } = x
  if (body === null) throw new Error(`request ${x.id} lost its body`)
  if (target.serving.codec !== null) return translate(x, state, { model: target.model, serving: target.serving, body })
  const request = readJsonRequest(state.operation, body)
  if (request instanceof GatewayError) return request
  state.body = relayed(body, { state, request, model: target.model, serving: target.serving })
  return null
}

/** What rules may ask of an operation; of its words nothing. */
function operationFacts(x: Exchange, { reservation }: ModelRegistry, state: OperationState): RequestFacts {
  const { operation, facts } = state
  const most = operation.meter.most(facts, reservation.bytesPerToken)
  return new ExchangeFacts(x, {
    surface: operation.name,
    model: facts.model,
    stream: facts.stream,
    inputTokens: most.inputTokens,
    outputTokens: most.outputTokens,
    namedOutputTokens: null,
    mediaItems: 0,
    body: operation.body === 'json' ? x.body : null,
    conversation: null,
  })
}

/** Absent is taken as JSON: simple clients leave it out, and the scan decides anyway. */
export function checkJsonType(x: Exchange): GatewayError | null {
  const type = x.head.contentType
  if (type === null || /^application\/(?:[a-z0-9.+-]*\+)?json\b/i.test(type)) return null
  return new GatewayError('unsupported_media_type', 'The body must be JSON: send Content-Type: application/json.')
}

interface Relaying {
  readonly model: string
  readonly serving: Serving
  readonly state: OperationState
  readonly request: JsonRequest
}

/** The client's own bytes, but for what this provider wants otherwise. */
function relayed(body: Buffer, { state, request, model, serving }: Relaying): Buffer {
  const { scanned } = request
  const edits: Edit[] = []
  const set = (member: OperationMember, json: string) => edits.push({ kind: 'set', index: memberAt(member), json })
  if (request.facts.model !== model || !scanned.has(memberAt('model'))) set('model', JSON.stringify(model))
  if (
    isNull(body, scanned, 'encoding_format') ||
    (serving.vectors === 'float' && scanned.has(memberAt('encoding_format')))
  ) {
    // Some servers refuse a null, and others know only one form: it is put right in the answer.
    edits.push({ kind: 'remove', index: memberAt('encoding_format') })
  }
  const patched = edits.length === 0 ? body : patchTopLevel(body, scanned, edits)
  if (serving.patcher === null) return patched
  state.losses = new Losses()
  return serving.patcher.relay(patched, state.losses)
}

function isNull(body: Buffer, scanned: ScannedObject, member: OperationMember): boolean {
  const index = memberAt(member)
  return scanned.has(index) && body.toString('latin1', scanned.valueStart(index), scanned.valueEnd(index)) === 'null'
}

interface Translating {
  readonly model: string
  readonly serving: Serving
  readonly body: Buffer
}

function translate(x: Exchange, state: OperationState, { model, serving, body }: Translating): GatewayError | null {
  const value: unknown = JSON.parse(body.toString('utf8'))
  if (!isObject(value)) throw new Error('the scan found an object')
  if (state.facts.stream) {
    const message = 'This model does not stream its results at this endpoint; leave "stream" out.'
    return new GatewayError('invalid_request', message, { param: 'stream' })
  }
  // What is said without saying anything is not sent on.
  const request = Object.fromEntries(Object.entries(value).filter(([, member]) => member !== null))
  return encodeFor(x, state, { model, serving, request })
}

interface Told {
  readonly model: string
  readonly serving: Serving
  /** In OpenAI's words. */
  readonly request: JsonObject
}

/** Puts a request into a provider's own words, or leaves it in OpenAI's where the provider has no others. */
export function encodeFor(x: Exchange, state: OperationState, { model, serving, request }: Told): GatewayError | null {
  const losses = new Losses()
  state.losses = losses
  if (serving.codec === null) {
    const { input_type: inputType, ...rest } = request
    if (inputType !== undefined) losses.drop('input_type')
    const body = Buffer.from(writeJson({ model, ...rest }))
    state.body = serving.patcher === null ? body : serving.patcher.relay(body, losses)
    state.decode = vectorsOf
    return null
  }
  const context = { model, losses, createdAt: Math.floor(x.time / 1000), id: x.id.replaceAll('-', '') }
  const encoded = serving.codec(request, context)
  if (encoded instanceof GatewayError) return encoded
  state.decode = encoded.decode
  state.body = Buffer.from(writeJson(encoded.body))
  return null
}

function vectorsOf(answer: JsonObject): JsonObject | GatewayError {
  if (Array.isArray(answer['data'])) return answer
  return new GatewayError('upstream_invalid_response', 'The upstream answered without vectors.')
}
