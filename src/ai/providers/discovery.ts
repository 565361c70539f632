import { GatewayError, type Transport } from '../../core/index.ts'
import { ask, type Reply } from '../../governance/index.ts'
import { isObject, type JsonObject } from '../ir/json.ts'
import { ExpiringValue } from './auth/expiring.ts'
import type { DiscoveryRow } from './provider-row.ts'

/** A model that a provider says it has. */
export interface UpstreamModel {
  readonly id: string
  /** What people call it; null: nobody says. */
  readonly title: string | null
  readonly ownedBy: string | null
  /** Seconds since the epoch. */
  readonly createdAt: number | null
  readonly contextTokens: number | null
  readonly maxOutputTokens: number | null
}

export interface DiscoveryOptions {
  /** The provider's, for messages. */
  readonly name: string
  readonly row: DiscoveryRow
  /** Path and query of the list. */
  readonly path: string
  /** Flat. */
  readonly headers: readonly string[]
  /** Asked for at the first list. */
  readonly transport: () => Transport
  readonly now: () => number
}

const LIFETIME_MS = 15 * 60_000
const TIMEOUT_MS = 15_000
const MAX_BYTES = 8 * 1024 * 1024
/** More than any provider lists; what follows is left out. */
const MAX_MODELS = 5_000
const LONGEST_ID = 256

/** Asks a provider which models it has: when somebody wants to know, and not again for a quarter of an hour. */
export class ModelDiscovery {
  readonly #models: ExpiringValue<readonly UpstreamModel[]>
  readonly #options: DiscoveryOptions
  #transport: Transport | null = null

  constructor(options: DiscoveryOptions) {
    this.#options = options
    const obtain = async () => ({ value: await this.#obtain(), expiresAt: options.now() + LIFETIME_MS })
    this.#models = new ExpiringValue(obtain, options.now)
  }

  /** In the provider's order. Rejects with a GatewayError that may be shown. */
  async list(): Promise<readonly UpstreamModel[]> {
    return await this.#models.get()
  }

  async #obtain(): Promise<readonly UpstreamModel[]> {
    const { name, row, path, headers } = this.#options
    this.#transport ??= this.#options.transport()
    const transport = this.#transport
    const sent = { method: 'GET', path, headers: withoutContentType(headers), body: null }
    const reply = await new Promise<Reply | Error>((resolve) => {
      ask(transport, sent, { timeoutMs: TIMEOUT_MS, maxBodyBytes: MAX_BYTES, onReply: resolve })
    })
    if (reply instanceof GatewayError) throw reply
    if (reply instanceof Error) {
      throw new GatewayError('upstream_unreachable', `${name} could not be asked for its models.`, { cause: reply })
    }
    if (reply.status !== 200) {
      const code = reply.status === 401 || reply.status === 403 ? 'upstream_auth' : 'upstream_error'
      throw new GatewayError(code, `${name} answered ${reply.status} when it was asked for its models.`)
    }
    const models = modelsIn(reply.body, row.form)
    if (models !== null) return models
    throw new GatewayError('upstream_invalid_response', `${name} answered with something else than a list of models.`)
  }
}

function withoutContentType(headers: readonly string[]): readonly string[] {
  const kept: string[] = []
  for (let at = 0; at + 1 < headers.length; at += 2) {
    if (headers[at] !== 'content-type') kept.push(headers[at] ?? '', headers[at + 1] ?? '')
  }
  return kept
}

/** Where each form has its list, and what it calls the members of an entry. */
const FORMS: Readonly<Record<DiscoveryRow['form'], { readonly list: string; readonly id: readonly string[] }>> = {
  openai: { list: 'data', id: ['id'] },
  anthropic: { list: 'data', id: ['id'] },
  gemini: { list: 'models', id: ['name'] },
  ollama: { list: 'models', id: ['model', 'name'] },
  cohere: { list: 'models', id: ['name'] },
  bedrock: { list: 'modelSummaries', id: ['modelId'] },
}
const TITLES = ['display_name', 'displayName', 'modelName', 'name']
const OWNERS = ['owned_by', 'providerName']
const CONTEXTS = ['context_length', 'context_window', 'max_input_tokens', 'inputTokenLimit', 'max_context_length']
const OUTPUTS = ['max_output_tokens', 'max_completion_tokens', 'outputTokenLimit', 'max_tokens']

/** The models of a list; null when the body is none. */
export function modelsIn(body: Buffer, form: DiscoveryRow['form']): readonly UpstreamModel[] | null {
  let value: unknown
  try {
    value = JSON.parse(body.toString('utf8'))
  } catch {
    return null // said by the caller
  }
  const { list, id } = FORMS[form]
  // Some servers give the array alone.
  const entries: unknown = Array.isArray(value) ? value : isObject(value) ? value[list] : null
  if (!Array.isArray(entries)) return null
  const models: UpstreamModel[] = []
  for (const entry of entries) {
    if (models.length >= MAX_MODELS || !isObject(entry)) continue
    const model = textOf(entry, id)?.replace(/^models\//, '')
    if (model === undefined || model === '' || model.length > LONGEST_ID) continue
    models.push({
      id: model,
      title: textOf(entry, TITLES) ?? null,
      ownedBy: textOf(entry, OWNERS) ?? null,
      createdAt: timeOf(entry['created'] ?? entry['created_at']),
      contextTokens: countOf(entry, CONTEXTS),
      maxOutputTokens: countOf(entry, OUTPUTS),
    })
  }
  return models
}

function textOf(entry: JsonObject, names: readonly string[]): string | undefined {
  return names.map((name) => entry[name]).find((value) => typeof value === 'string')
}

function countOf(entry: JsonObject, names: readonly string[]): number | null {
  const found = names.map((name) => entry[name]).find((value) => Number.isSafeInteger(value) && Number(value) > 0)
  return found === undefined ? null : Number(found)
}

function timeOf(value: unknown): number | null {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value > 0) return value
  const parsed = typeof value === 'string' ? Date.parse(value) : Number.NaN
  return Number.isNaN(parsed) ? null : Math.floor(parsed / 1_000)
}
