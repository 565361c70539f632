import type { Gate, Hook, Route } from '../core/index.ts'
import type { ContentPort, UsageClaimsPort } from '../storage/index.ts'
import { createConversationInspect } from './conversation/conversation-route.ts'
import { createErrorRendering } from './conversation/errors.ts'
import type { ClientDialectName } from './conversation/readers.ts'
import { countTokens } from './counting/count-route.ts'
import { chatCodeName } from './dialects/code-names.ts'
import { CLIENT_DIALECTS, COMMON_DIALECT } from './dialects/tables.ts'
import { compileRegistry, type RegistryOptions } from './models/compile-registry.ts'
import type { ModelRegistry } from './models/registry.ts'
import { operationPaths } from './operations/paths.ts'
import { createSealedInspect } from './seals/sealed-inspect.ts'
import { CONVERSATIONS, COUNTS, surfaceOf } from './surfaces/conversations.ts'
import { modelPaths } from './surfaces/model-paths.ts'
import { responsesPaths } from './surfaces/responses/responses-paths.ts'

export interface CompileOptions extends RegistryOptions {
  /** Hooks that the composition root puts around the surfaces. */
  readonly hooks: SurfaceHooks
  /** Where answers are kept that clients may ask for again; absent: nowhere. */
  readonly content?: ContentPort
  /** Charges once what a vendor tells with every look; absent: whoever looks is charged. */
  readonly claims?: UsageClaimsPort
}

/** What governance brings to a surface: who calls, what it may, what it costs. */
export interface SurfaceHooks {
  /** For a conversation whose keys need this scope. */
  readonly conversation: (scope: string) => Pick<Route, 'identify' | 'admit' | 'reserve' | 'giveWay' | 'settle'>
  readonly models: Pick<Route, 'identify' | 'admit' | 'settle'>
  readonly unmatched: Pick<Route, 'settle'>
}

/** One path of the API and the route behind it. */
export interface SurfacePath {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Exact, or a prefix when it ends in a slash. */
  readonly path: string
  readonly route: Route
  /** A prefix for what nothing else serves, routes of the configuration included. */
  readonly last?: boolean
}

export interface Surfaces {
  readonly paths: readonly SurfacePath[]
  /** Errors of requests that matched nothing. */
  readonly fallback: Route
}

/** Compiles models and providers of a document into the routes that clients call. Throws when a reference is missing. */
export function compileSurfaces(options: CompileOptions): Surfaces {
  const registry = compileRegistry(options)
  const created = Math.floor(Date.now() / 1000)
  const { hooks } = options
  const rendering = createErrorRendering(COMMON_DIALECT)
  const dialect = { codeName: chatCodeName, renderError: rendering.renderError }
  const plain = { ...dialect, bodyLimit: -1, reserve: null, renderStreamError: null }
  const models: Omit<Route, 'inspect'> = { ...plain, name: 'models.list', ...hooks.models }
  return {
    paths: [
      ...conversationPaths(options, registry),
      ...operationPaths(options, registry),
      ...modelPaths(registry, created, models),
    ],
    fallback: { ...plain, name: 'none', identify: null, admit: null, inspect: null, ...hooks.unmatched },
  }
}

function conversationPaths(options: CompileOptions, registry: ModelRegistry): SurfacePath[] {
  const { hooks, document } = options
  const content = document.content.responses === 'on' ? (options.content ?? null) : null
  const conversations = CONVERSATIONS.flatMap((row) => {
    const surface = surfaceOf(row)
    if (surface === null) return []
    if (row.answersKept === true && content !== null) {
      return responsesPaths(row, surface, { hooks, document, content, registry })
    }
    const { countedAt = null, dialect } = row
    const answer = createConversationInspect(registry, surface, row.readPath)
    if (row.sealsKept === true && options.content !== undefined && document.content.seals === 'on') {
      const { ttl: ttlMs, max_bytes: maxBytes } = document.content
      const sealed = createSealedInspect({ inspect: answer, content: options.content, limits: { ttlMs, maxBytes } })
      return conversationPath(options, row, sealed)
    }
    const inspect: Hook = (x) => {
      const counted = countedAt === null ? null : countedAt(x)
      return counted === null ? answer(x) : countTokens(x, registry, dialect, counted)
    }
    return conversationPath(options, row, countedAt === null ? answer : inspect)
  })
  const counts = COUNTS.flatMap((row) =>
    conversationPath(options, row, (x) => countTokens(x, registry, row.dialect, null)),
  )
  return [...conversations, ...counts]
}

function conversationPath(
  { hooks, document }: CompileOptions,
  row: { readonly name: string; readonly scope: string; readonly path: string; readonly dialect: ClientDialectName },
  inspect: Gate,
): SurfacePath[] {
  const client = CLIENT_DIALECTS[row.dialect]
  if (client === undefined) return []
  const route: Route = {
    name: row.name,
    ...hooks.conversation(row.scope),
    codeName: chatCodeName,
    ...createErrorRendering(client),
    bodyLimit: document.limits.body,
    inspect,
  }
  return [{ method: 'POST', path: row.path, route }]
}
