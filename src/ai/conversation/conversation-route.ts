import { type Exchange, GatewayError, type Hook } from '../../core/index.ts'
import { principalOf } from '../../governance/index.ts'
import type { ModelRegistry } from '../models/registry.ts'
import { ConversationState } from './conversation-state.ts'
import type { PathFacts } from './request-reader.ts'
import type { Surface } from './surface.ts'

/** What a path says of the request, where the dialect puts it there; an error when it says nothing that is served. */
export type ReadPath = (x: Exchange) => PathFacts | GatewayError

/** The `inspect` hook of a conversation's path: reads the request and chooses its target. */
export function createConversationInspect(
  registry: ModelRegistry,
  surface: Surface,
  readPath: ReadPath | null = null,
): Hook {
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
    x.surface = state
    x.wantsStream = request.stream
    const target = registry.resolve(request.model)
    if (target === null) return unknownModel(request.model)
    if (!allowed(x, registry, request.model)) {
      const message = `This API key may not use the model "${shorten(request.model)}". GET /v1/models lists what it may.`
      return new GatewayError('resource_denied', message, { param: 'model' })
    }
    if (target.isRefusedUnpriced) return unpriced(request.model)
    state.target = target
    const prepared = target.prepare(x, state, body, request)
    if (prepared instanceof GatewayError) return prepared
    state.prepared = prepared
    x.candidates = target.asList
    return null
  }
}

/** Whether the request's key may use the model of this name, by all the names that the model has. */
export function allowed(x: Exchange, registry: ModelRegistry, name: string): boolean {
  const principal = principalOf(x)
  if (principal.allow === null && principal.deny === null) return true
  const names = registry.namesOf(name)
  return names !== null && principal.mayUse(names)
}

function unpriced(name: string): GatewayError {
  const message = `The model "${shorten(name)}" has no price, and models without one are not served here. Ask the operator to set one.`
  return new GatewayError('unpriced', message, { param: 'model' })
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

function shorten(name: string): string {
  return name.length > 128 ? `${name.slice(0, 128)}…` : name
}
