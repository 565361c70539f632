import type { Exchange, GatewayError, RenderedError, Route } from '../../core/index.ts'
import type { CompileOptions, SurfacePath } from '../compile.ts'
import { chatCodeName } from '../dialects/code-names.ts'
import { encodeError } from '../dialects/openai-chat/errors.ts'
import type { ModelRegistry } from '../models/registry.ts'
import { createFormGate, createFormInspect } from './multipart/form-route.ts'
import { createOperationInspect } from './operation-route.ts'
import { OPERATIONS } from './table.ts'

/** Every path that is no conversation, and the route behind it. */
export function operationPaths({ hooks, document }: CompileOptions, registry: ModelRegistry): SurfacePath[] {
  return OPERATIONS.map((operation): SurfacePath => {
    const governed = hooks.conversation(operation.scope)
    const named = { name: operation.name, ...governed, ...dialect }
    const route: Route =
      operation.body === 'json'
        ? { ...named, bodyLimit: document.limits.body, inspect: createOperationInspect(registry, operation) }
        : {
            ...named,
            admit: [...(governed.admit ?? []), createFormGate(document.limits.body)],
            bodyLimit: -1,
            inspect: createFormInspect(registry, operation),
          }
    return { method: 'POST', path: operation.path, route }
  })
}

/** Errors as OpenAI's clients read them. */
const dialect = {
  codeName: chatCodeName,
  renderError(_x: Exchange, error: GatewayError): RenderedError {
    if (error.body !== null) return { body: error.body, contentType: error.contentType ?? 'application/json' }
    return { body: Buffer.from(JSON.stringify(encodeError(error))), contentType: 'application/json' }
  },
  renderStreamError: (_x: Exchange, error: GatewayError): Buffer =>
    Buffer.from(`event: error\ndata: ${JSON.stringify(encodeError(error))}\n\n`),
}
