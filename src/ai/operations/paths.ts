import type { Exchange, Gate, GatewayError, RenderedError, Route } from '../../core/index.ts'
import type { CompileOptions, SurfacePath } from '../compile.ts'
import { callerDialect, renderForCaller } from '../conversation/caller-dialect.ts'
import { createErrorRendering, limitsOf } from '../conversation/errors.ts'
import { chatCodeName } from '../dialects/code-names.ts'
import { encodeError } from '../dialects/openai-chat/errors.ts'
import type { ModelRegistry } from '../models/registry.ts'
import { tellRouting } from '../routing/routing-headers.ts'
import { createAnthropicFiles } from './files/anthropic-files.ts'
import { createGoogleUpload, GOOGLE_UPLOADS } from './files/google-upload.ts'
import { KeptPaths } from './files/kept-paths.ts'
import { createMessageBatches } from './files/message-batches.ts'
import type { Ownership } from './files/ownership.ts'
import type { ReferringRequests } from './files/referring-inspect.ts'
import { ClaimedUsage } from './forward/claimed-usage.ts'
import { createFilesInspect } from './forward/files-route.ts'
import { createPassthroughInspect } from './forward/passthrough-route.ts'
import { createRealtimeInspect } from './forward/realtime-route.ts'
import { createEmbedInspect, isEmbedPath } from './google/embed-route.ts'
import { createFormGate, createFormInspect } from './multipart/form-route.ts'
import { createOperationInspect } from './operation-route.ts'
import { OPERATIONS } from './table.ts'

/** Every path that is no conversation, and the route behind it. */
export function operationPaths(
  options: CompileOptions,
  registry: ModelRegistry,
  referring: ReferringRequests,
): SurfacePath[] {
  const passing = passingOn(options.document, registry, referring)
  const files = filesPaths(options, registry, { ownership: referring.ownership, passing })
  return [...modelPaths(options, registry), ...files, ...otherPaths(options, registry, passing)]
}

/** Files and batches of one provider. */
function filesPaths(
  { hooks, document, claims }: CompileOptions,
  registry: ModelRegistry,
  { ownership, passing }: { readonly ownership: Ownership; readonly passing: Gate },
): SurfacePath[] {
  const usage = new ClaimedUsage(claims ?? null, document)
  const uploading: Route = {
    name: 'files',
    ...hooks.conversation('files.manage'),
    ...dialect,
    renderError: renderForCaller,
    bodyLimit: -1,
    inspect: createGoogleUpload({ registry, document, ownership }),
  }
  const paths = (['files', 'batches'] as const).flatMap((kind): SurfacePath[] => {
    const openais = createFilesInspect({ registry, document, ownership, kind, usage })
    const anthropics = kind === 'files' ? createAnthropicFiles({ registry, document, ownership }) : null
    const inspect: Gate = (x) => {
      const dialect = kind === 'files' ? callerDialect(x) : 'openai-chat'
      if (dialect === 'anthropic-messages' && anthropics !== null) return anthropics(x)
      return dialect === 'gemini' && document.passthrough.enabled ? passing(x) : openais(x)
    }
    const governed = hooks.conversation(`${kind}.manage`)
    const settle = [...(governed.settle ?? []), usage.settled]
    const route: Route = {
      name: kind,
      ...governed,
      ...dialect,
      renderError: renderForCaller,
      bodyLimit: -1,
      inspect,
      settle,
    }
    // What is uploaded streams through; a batch is a few words.
    const making: Route = kind === 'batches' ? { ...route, bodyLimit: document.limits.body } : route
    return [
      { method: 'GET', path: `/v1/${kind}`, route },
      { method: 'POST', path: `/v1/${kind}`, route: making },
      { method: 'GET', path: `/v1/${kind}/`, route },
      { method: 'POST', path: `/v1/${kind}/`, route: making },
      { method: 'DELETE', path: `/v1/${kind}/`, route },
    ]
  })
  const governed = hooks.conversation('batches.manage')
  const batches: Route = {
    name: 'batches',
    ...governed,
    codeName: chatCodeName,
    ...createErrorRendering('anthropic-messages'),
    bodyLimit: document.limits.body,
    inspect: createMessageBatches({ registry, document, ownership, usage }),
    settle: [...(governed.settle ?? []), usage.settled],
  }
  for (const path of ['/v1/messages/batches', '/v1/messages/batches/']) {
    for (const method of ['GET', 'POST'] as const) paths.push({ method, path, route: batches })
  }
  paths.push({ method: 'DELETE', path: '/v1/messages/batches/', route: batches })
  return [...paths, ...GOOGLE_UPLOADS.map((path): SurfacePath => ({ method: 'POST', path, route: uploading }))]
}

/** What goes on to a provider as it is, with what that keeps for the key. */
function passingOn(document: CompileOptions['document'], registry: ModelRegistry, referring: ReferringRequests): Gate {
  const kept = new KeptPaths(referring.ownership)
  const inspect = createPassthroughInspect({
    registry,
    outputTokens: document.reservation.output_tokens,
    preferred: document.passthrough.providers,
    keeperOf: (x) => kept.keeperOf(x) ?? referring.keeperOf(x),
  })
  return referring.gate(kept.gate(inspect), 'any')
}

/** Sessions, and what the gateway does not know. */
function otherPaths({ hooks, document }: CompileOptions, registry: ModelRegistry, passing: Gate) {
  const session: Route = {
    name: 'realtime',
    ...hooks.conversation('realtime.connect'),
    ...dialect,
    bodyLimit: -1,
    editAnswer: tellRouting,
    inspect: createRealtimeInspect({ registry, settings: document.realtime }),
  }
  const paths: SurfacePath[] = [{ method: 'GET', path: '/v1/realtime', route: session }]
  if (!document.passthrough.enabled || Object.keys(document.providers).length === 0) return paths
  const rest: Route = {
    name: 'passthrough',
    ...hooks.conversation('passthrough.use'),
    ...dialect,
    renderError: renderForCaller,
    bodyLimit: document.limits.body,
    inspect: passing,
  }
  for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const) {
    for (const path of ['/v1/', '/v1beta/']) paths.push({ method, path, route: rest, last: true })
  }
  return paths
}

/** Requests for one model each. */
function modelPaths({ hooks, document }: CompileOptions, registry: ModelRegistry): SurfacePath[] {
  return OPERATIONS.map((operation): SurfacePath => {
    const governed = hooks.conversation(operation.scope)
    const named = { name: operation.name, ...governed, ...dialect, editAnswer: tellRouting }
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

/** Vectors in the words of Google's clients: another method of a model's path, with a scope and errors of its own. */
export function googleEmbeddings({ hooks, document }: CompileOptions, registry: ModelRegistry): Pick<Route, 'within'> {
  const operation = OPERATIONS.find(({ name }) => name === 'embeddings')
  if (operation === undefined) throw new Error('there are embeddings')
  const route: Route = {
    name: operation.name,
    ...hooks.conversation(operation.scope),
    codeName: chatCodeName,
    ...createErrorRendering('gemini'),
    bodyLimit: document.limits.body,
    inspect: createEmbedInspect(registry, operation),
    editAnswer: tellRouting,
  }
  return { within: (path) => (isEmbedPath(path) ? route : null) }
}

/** Errors as OpenAI's clients read them. */
const dialect = {
  codeName: chatCodeName,
  renderError(_x: Exchange, error: GatewayError): RenderedError {
    const body = error.body ?? Buffer.from(JSON.stringify(encodeError(error)))
    return { body, contentType: error.contentType ?? 'application/json', ...limitsOf('openai-chat', error) }
  },
  renderStreamError: (_x: Exchange, error: GatewayError): Buffer =>
    Buffer.from(`event: error\ndata: ${JSON.stringify(encodeError(error))}\n\n`),
}
