import type { ConfigDocument } from '../../../config/index.ts'
import type { Route } from '../../../core/index.ts'
import type { ContentPort } from '../../../storage/index.ts'
import type { SurfaceHooks, SurfacePath } from '../../compile.ts'
import { createConversationInspect } from '../../conversation/conversation-route.ts'
import { createErrorRendering } from '../../conversation/errors.ts'
import type { Surface } from '../../conversation/surface.ts'
import { chatCodeName } from '../../dialects/code-names.ts'
import type { ModelRegistry } from '../../models/registry.ts'
import type { ConversationRow } from '../conversations.ts'
import { KeptAnswers } from './kept-answers.ts'
import { createResponsesInspect } from './responses-inspect.ts'
import { createStoredCancel, createStoredDelete, createStoredRead } from './stored-responses.ts'

export interface ResponsesPathsOptions {
  readonly hooks: SurfaceHooks
  readonly document: ConfigDocument
  readonly content: ContentPort
  readonly registry: ModelRegistry
}

/** `/v1/responses` with answers that are kept, and the paths by which clients ask for them again. */
export function responsesPaths(
  row: ConversationRow,
  bare: Surface,
  { hooks, document, content, registry }: ResponsesPathsOptions,
): SurfacePath[] {
  const { ttl, max_bytes: maxBytes } = document.content
  const kept = new KeptAnswers(content, { ttlMs: ttl, maxBytes })
  const surface: Surface = { ...bare, client: kept.client }
  const rendering = { codeName: chatCodeName, ...createErrorRendering(bare.client) }
  const governed = hooks.conversation(row.scope)
  const bodyLimit = document.limits.body
  const inspect = createResponsesInspect({
    inspect: createConversationInspect(registry, surface, row.readPath),
    content,
    kept,
    bodyLimit,
  })
  const settle = [...(governed.settle ?? []), ({ id }: { readonly id: string }) => kept.forget(id)]
  const create: Route = { name: row.name, ...governed, ...rendering, bodyLimit, inspect, settle }
  const stored = (name: string, hook: NonNullable<Route['inspect']>): Route => {
    return { name: `${row.name}.${name}`, ...governed, ...rendering, reserve: null, bodyLimit: -1, inspect: hook }
  }
  const under = `${row.path}/`
  return [
    { method: 'POST', path: row.path, route: create },
    { method: 'GET', path: under, route: stored('get', createStoredRead(content)) },
    { method: 'DELETE', path: under, route: stored('delete', createStoredDelete(content)) },
    { method: 'POST', path: under, route: stored('cancel', createStoredCancel(content)) },
  ]
}
