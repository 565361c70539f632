import type { ConfigDocument } from '../../../config/index.ts'
import type { Gate } from '../../../core/index.ts'
import type { ContentPort, UsageClaimsPort } from '../../../storage/index.ts'
import { createConversationInspect, type Servers } from '../../conversation/conversation-route.ts'
import type { Surface } from '../../conversation/surface.ts'
import type { TokenCounting } from '../../counting/count-route.ts'
import type { MediaFetcher } from '../../media/media-fetcher.ts'
import type { ModelRegistry } from '../../models/registry.ts'
import { isOf, type ReferringRequests } from '../../operations/files/referring-inspect.ts'
import type { ClaimedUsage } from '../../operations/forward/claimed-usage.ts'
import { createCompact } from './compact.ts'
import { createInputTokens } from './input-tokens.ts'
import { KeptAnswers } from './kept-answers.ts'
import { createKeptConversations } from './kept-conversations.ts'
import { PriorTurns } from './prior.ts'
import { RelayStored } from './relay-stored.ts'
import { RelayedAnswers } from './relayed-answers.ts'
import { createResponsesInspect } from './responses-inspect.ts'
import { createStoredCancel, createStoredDelete, createStoredRead } from './stored-responses.ts'

export interface ResponsesHooksOptions {
  readonly document: ConfigDocument
  readonly content: ContentPort
  readonly claims: UsageClaimsPort | null
  readonly registry: ModelRegistry
  readonly counting: TokenCounting
  readonly referring: ReferringRequests
  /** Adds what clients name by address. */
  readonly media: () => Promise<MediaFetcher | null>
}

/** What the paths of answers that are kept do. */
export interface ResponsesHooks {
  readonly create: Gate
  readonly get: Gate
  readonly delete: Gate
  readonly cancel: Gate
  readonly count: Gate
  readonly compact: Gate
  readonly conversations: Gate
  /** A request has ended. */
  readonly forget: (requestId: string) => void
}

/** Makes the hooks of answers that are kept, here or by their upstream, from the surface of those that are not. */
export async function createResponsesHooks(
  bare: Surface,
  { document, content, registry, counting, referring, media }: ResponsesHooksOptions,
  usage: ClaimedUsage,
): Promise<ResponsesHooks> {
  const { ttl, max_bytes: maxBytes, responses } = document.content
  const kept = responses === 'on' ? new KeptAnswers(content, { ttlMs: ttl, maxBytes }) : null
  const surface = kept === null ? bare : { ...bare, client: kept.client }
  const bodyLimit = document.limits.body
  const priors = new PriorTurns({ content, registry, keepsAnswers: kept !== null })
  const servers: Servers = (x) => {
    const prior = priors.servers(x)
    if (prior === null) return referring.servers(x)
    const keeper = referring.keeperOf(x)
    return keeper === null ? prior : (target) => prior(target) && isOf(keeper, target.target)
  }
  const stored = { content, relay: new RelayStored(registry, usage) }
  return {
    create: referring.gate(
      createResponsesInspect({
        inspect: createConversationInspect(registry, surface, { servers, media: await media() }),
        priors,
        kept,
        relayed: new RelayedAnswers(content, usage, maxBytes),
        bodyLimit,
      }),
      'openai',
    ),
    get: createStoredRead(stored),
    delete: createStoredDelete(stored),
    cancel: createStoredCancel(stored),
    count: referring.gate(createInputTokens({ priors, counting, bodyLimit }), 'openai'),
    compact: referring.gate(
      createCompact({ registry, priors, servers, outputTokens: document.reservation.output_tokens }),
      'openai',
    ),
    conversations: createKeptConversations({ registry, content, maxBytes }),
    forget: (requestId) => kept?.forget(requestId),
  }
}
