import type { ConfigDocument } from '../../../config/index.ts'
import { GatewayError } from '../../../core/index.ts'
import { GATEWAY, KeyPrincipal, LevelTable } from '../../../governance/index.ts'
import { conversationFacts } from '../../conversation/conversation-route.ts'
import { ConversationState } from '../../conversation/conversation-state.ts'
import type { Surface } from '../../conversation/surface.ts'
import type { ModelRegistry } from '../../models/registry.ts'
import { supposedKey, UNLIMITED } from '../../supposed-key.ts'
import { CONVERSATIONS, loadSurface } from '../../surfaces/conversations.ts'
import type { RequestFacts } from '../contract.ts'
import type { TargetFigures } from '../statistics.ts'

/** What is asked: where would this request go? */
export interface RouteQuestion {
  readonly document: ConfigDocument
  readonly environment: Readonly<Record<string, string | undefined>>
  /** A conversation's surface, such as `chat.completions`. */
  readonly surface: string
  /** Absent: as the body says. */
  readonly model: string | undefined
  /** Null: a key without limits. */
  readonly key: {
    readonly id: string
    readonly allow: readonly string[] | null
    readonly deny: readonly string[]
    readonly tags?: readonly string[]
  } | null
  /** The levels that the key is in, from the narrowest to the widest, the gateway's own last; absent: none says anything. */
  readonly levels?: readonly LevelRights[]
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer | null
  /** What a running gateway knows of targets, by id; null: nobody was asked. */
  readonly figures: Readonly<Record<string, TargetFigures>> | null
}

/** What a level that a key is in says of models. */
export interface LevelRights {
  readonly name: string
  /** False also for a level that a key names and nobody has made. */
  readonly enabled: boolean
  readonly allow: readonly string[] | null
  readonly deny: readonly string[]
}

/** The key that asks, with the levels that it is in. */
export function principalFor({ key, levels = [] }: RouteQuestion): KeyPrincipal {
  const table = new LevelTable()
  for (const { name, enabled, allow, deny } of levels) {
    table.apply({ name, document: { ...UNLIMITED, name, enabled, modelsAllow: allow, modelsDeny: deny } })
  }
  const document = supposedKey({
    id: key?.id ?? '',
    tags: key?.tags ?? [],
    modelsAllow: key?.allow ?? null,
    modelsDeny: key?.deny ?? null,
    levels: levels.map(({ name }) => name).filter((name) => name !== GATEWAY),
  })
  return new KeyPrincipal(document, table)
}

/** The surface of this name; throws a GatewayError that says which there are. */
export async function surfaceNamed(name: string): Promise<Surface> {
  const row = CONVERSATIONS.find((each) => each.name === name)
  if (row !== undefined) return await loadSurface(row)
  const known = [...new Set(CONVERSATIONS.map((each) => each.name))].join(', ')
  throw new GatewayError('invalid_request', `There is no surface "${name}"; there are ${known}.`)
}

/** What the order depends on; throws a GatewayError for a body that cannot be read. */
export function factsOf(
  { model, body, headers }: RouteQuestion,
  surface: Surface,
  { registry, principal }: { readonly registry: ModelRegistry; readonly principal: KeyPrincipal },
): RequestFacts {
  const { names, requiresMaxTokens } = surface.reader.shape
  const given = body ?? Buffer.from(JSON.stringify({ [names.content ?? 'messages']: [] }))
  const bytes = completed(given, {
    model: names.model,
    maxTokens: requiresMaxTokens ? names.maxTokens : undefined,
    asked: model,
  })
  const path = names.model === undefined ? { model: model ?? '', stream: false, framing: 'sse' as const } : null
  const request = surface.reader.read(bytes, path)
  if (request instanceof GatewayError) throw request
  const x = { head: { get: (header: string) => headers[header] ?? null }, principal }
  return conversationFacts(x, registry, new ConversationState(surface, request, path), bytes)
}

/** A body with what every request must have, where somebody asks about part of one. */
function completed(
  body: Buffer,
  { model, maxTokens, asked }: { model: string | undefined; maxTokens: string | undefined; asked: string | undefined },
): Buffer {
  let value: unknown
  try {
    value = JSON.parse(body.toString('utf8'))
  } catch (cause) {
    throw new GatewayError('invalid_json', 'The body is not valid JSON.', { cause })
  }
  if (typeof value !== 'object' || value === null) return body
  return Buffer.from(
    JSON.stringify({
      ...(maxTokens === undefined ? {} : { [maxTokens]: 1_024 }),
      ...value,
      ...(model === undefined || asked === undefined ? {} : { [model]: asked }),
    }),
  )
}
