import type { ConfigDocument } from '../../../config/index.ts'
import type { Gate } from '../../../core/index.ts'
import type { ContentPort } from '../../../storage/index.ts'
import { createConversationInspect } from '../../conversation/conversation-route.ts'
import type { Surface } from '../../conversation/surface.ts'
import type { ModelRegistry } from '../../models/registry.ts'
import { KeptAnswers } from './kept-answers.ts'
import { createResponsesInspect } from './responses-inspect.ts'
import { createStoredCancel, createStoredDelete, createStoredRead } from './stored-responses.ts'

export interface ResponsesHooksOptions {
  readonly document: ConfigDocument
  readonly content: ContentPort
  readonly registry: ModelRegistry
}

/** What the paths of answers that are kept do. */
export interface ResponsesHooks {
  readonly create: Gate
  readonly get: Gate
  readonly delete: Gate
  readonly cancel: Gate
  /** A request has ended. */
  readonly forget: (requestId: string) => void
}

/** Makes the hooks of answers that are kept from the surface of those that are not. */
export function createResponsesHooks(bare: Surface, options: ResponsesHooksOptions): ResponsesHooks {
  const { document, content, registry } = options
  const { ttl, max_bytes: maxBytes } = document.content
  const kept = new KeptAnswers(content, { ttlMs: ttl, maxBytes })
  return {
    create: createResponsesInspect({
      inspect: createConversationInspect(registry, { ...bare, client: kept.client }),
      content,
      kept,
      bodyLimit: document.limits.body,
    }),
    get: createStoredRead(content),
    delete: createStoredDelete(content),
    cancel: createStoredCancel(content),
    forget: (requestId) => kept.forget(requestId),
  }
}
