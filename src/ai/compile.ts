import type { Gate, Route } from '../core/index.ts'
import type { ContentPort, UsageClaimsPort } from '../storage/index.ts'
import { createConversationInspect } from './conversation/conversation-route.ts'
import { createErrorRendering } from './conversation/errors.ts'
import { type TellLimits, tellingLimits } from './conversation/limit-headers.ts'
import { TokenCounting } from './counting/count-route.ts'
import { chatCodeName } from './dialects/code-names.ts'
import { COMMON_DIALECT, loadDialects } from './dialects/tables.ts'
import type { FetchAddress, MediaFetcher } from './media/media-fetcher.ts'
import { compileRegistry, type RegistryOptions } from './models/compile-registry.ts'
import type { ModelRegistry } from './models/registry.ts'
import { AccountSessions } from './operations/files/account-session.ts'
import { Ownership } from './operations/files/ownership.ts'
import { namesIn } from './operations/files/references.ts'
import { ReferringRequests } from './operations/files/referring-inspect.ts'
import { googleEmbeddings, operationPaths } from './operations/paths.ts'
import { createLookRoute } from './operations/unread/look-route.ts'
import { underAuthority } from './policy/authorized-inspect.ts'
import { underPolicies } from './policy/check-body.ts'
import { dialectsOf } from './providers/dialects-of.ts'
import { loadRuleRegex } from './routing/load-regex.ts'
import { tellRouting } from './routing/routing-headers.ts'
import { CONVERSATIONS, COUNTS, type ConversationRow, loadSurface } from './surfaces/conversations.ts'
import { loadedGate } from './surfaces/loaded-gate.ts'
import { modelPaths } from './surfaces/model-paths.ts'
import { responsesPaths } from './surfaces/responses/responses-paths.ts'
import type { TokenCounter } from './tokens/count-tokens.ts'

export interface CompileOptions extends RegistryOptions {
  /** Hooks that the composition root puts around the surfaces. */
  readonly hooks: SurfaceHooks
  /** Where answers are kept that clients may ask for again; absent: nowhere. */
  readonly content?: ContentPort
  /** Charges once what a vendor tells with every look; absent: whoever looks is charged. */
  readonly claims?: UsageClaimsPort
  /** Fetches what clients name by address; absent: nobody does. */
  readonly fetchAddress?: FetchAddress
  /** Counts tokens by public encodings; absent: they are estimated. */
  readonly counter?: TokenCounter
}

/** What governance brings to a surface: who calls, what it may, what it costs. */
export interface SurfaceHooks {
  /** For a conversation whose keys need this scope. */
  readonly conversation: (
    scope: string,
  ) => Pick<Route, 'identify' | 'admit' | 'reserve' | 'giveWay' | 'join' | 'settle'>
  readonly models: Pick<Route, 'identify' | 'admit' | 'settle'>
  readonly unmatched: Pick<Route, 'settle'>
  /** What answers tell of limits; absent: nothing. */
  readonly limitsLeft?: TellLimits
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
  /** Reads what clients do not read to its end; null where nobody counts that. */
  readonly unread: Route | null
}

/**
 * Compiles models and providers of a document into the routes that clients call, and loads the dialects of its upstreams.
 * Rejects when a reference is missing.
 */
export async function compileSurfaces(options: CompileOptions): Promise<Surfaces> {
  // What is common answers `GET /v1/capabilities`, and the built-in models.
  await loadDialects([COMMON_DIALECT, ...dialectsOf(options.document)])
  const registry = compileRegistry({ ...options, regex: await loadRuleRegex(options.document) })
  const ownership = new Ownership(registry, options.document, options.content ?? null)
  const referring = new ReferringRequests(ownership, new AccountSessions(options.document))
  const created = Math.floor(Date.now() / 1000)
  const { hooks, document, claims, warn } = options
  const rendering = createErrorRendering(COMMON_DIALECT)
  const dialect = { codeName: chatCodeName, renderError: rendering.renderError }
  const plain = { ...dialect, bodyLimit: -1, reserve: null, renderStreamError: null }
  const models: Omit<Route, 'inspect'> = { ...plain, name: 'models.list', ...hooks.models }
  const paths = [
    ...conversationPaths(options, registry, referring),
    ...operationPaths(options, registry, referring),
    ...modelPaths(registry, created, models),
  ]
  const { limitsLeft } = hooks
  return {
    paths: paths.map((path) => {
      const route = guarded(options.document, path.route)
      return { ...path, route: limitsLeft === undefined ? route : tellingLimits(route, limitsLeft) }
    }),
    fallback: { ...plain, name: 'none', identify: null, admit: null, inspect: null, ...hooks.unmatched },
    unread: claims === undefined ? null : createLookRoute({ hooks, document, registry, claims, plain, warn }),
  }
}

/** A route behind what decides by the contents of requests, where the configuration has that. */
function guarded({ policies, identity }: CompileOptions['document'], route: Route): Route {
  const authorized = identity.service?.authorize === true ? underAuthority(route) : route
  return policies.length === 0 ? authorized : underPolicies(authorized)
}

function conversationPaths(
  options: CompileOptions,
  registry: ModelRegistry,
  referring: ReferringRequests,
): SurfacePath[] {
  const { hooks, document } = options
  const { content = null, claims = null, counter = null } = options
  const counting = new TokenCounting(registry, counter)
  const embeddings = googleEmbeddings(options, registry)
  const conversations = CONVERSATIONS.flatMap((row) => {
    if (row.answersKept === true && content !== null) {
      return responsesPaths(row, {
        hooks,
        document,
        content,
        claims,
        registry,
        counting,
        referring,
        media: () => mediaOf(options),
      })
    }
    const inspect = async () => await inspectOf(options, row, { registry, counting, referring })
    return [conversationPath(options, row, inspect, row.countedAt === undefined ? {} : embeddings)]
  })
  const counts = COUNTS.map((row) =>
    conversationPath(options, row, async () => {
      await loadDialects([row.dialect])
      return (x) => counting.count(x, { dialect: row.dialect, pathModel: null })
    }),
  )
  return [...conversations, ...counts]
}

/** Fetches what clients name by address, where the configuration allows that; null where it does not. */
async function mediaOf({ document, fetchAddress }: CompileOptions): Promise<MediaFetcher | null> {
  const settings = document.translation.fetch_media
  if (!settings.enabled || fetchAddress === undefined) return null
  const { MediaFetcher } = await import('./media/media-fetcher.ts')
  return new MediaFetcher(settings, fetchAddress)
}

interface Inspecting {
  readonly registry: ModelRegistry
  readonly counting: TokenCounting
  readonly referring: ReferringRequests
}

async function inspectOf(
  options: CompileOptions,
  row: ConversationRow,
  { registry, counting, referring }: Inspecting,
): Promise<Gate> {
  const { document, content } = options
  const { countedAt, dialect, readPath } = row
  const names = namesIn(dialect)
  const [surface, media] = await Promise.all([loadSurface(row), mediaOf(options)])
  const inspect = createConversationInspect(registry, surface, { readPath, media, servers: referring.servers })
  if (row.sealsKept === true && content !== undefined && document.content.seals === 'on') {
    const { createSealedInspect } = await import('./seals/sealed-inspect.ts')
    const { ttl: ttlMs, max_bytes: maxBytes } = document.content
    return referring.gate(createSealedInspect({ inspect, content, limits: { ttlMs, maxBytes } }), names)
  }
  if (countedAt === undefined) return referring.gate(inspect, names)
  return referring.gate((x) => {
    const counted = countedAt(x)
    return counted === null ? inspect(x) : counting.count(x, { dialect, pathModel: counted })
  }, names)
}

/** The dialect is loaded with the first request that asks in it. */
function conversationPath(
  { hooks, document }: CompileOptions,
  row: Pick<ConversationRow, 'name' | 'scope' | 'path' | 'dialect'>,
  inspect: () => Promise<Gate>,
  others: Pick<Route, 'within'> = {},
): SurfacePath {
  const route: Route = {
    name: row.name,
    ...others,
    ...hooks.conversation(row.scope),
    codeName: chatCodeName,
    ...createErrorRendering(row.dialect),
    bodyLimit: document.limits.body,
    inspect: loadedGate(inspect),
    editAnswer: tellRouting,
  }
  return { method: 'POST', path: row.path, route }
}
