import type { ContentPort } from '../../../storage/index.ts'
import { isObject, type JsonObject, parseExact, writeJson } from '../../ir/json.ts'
import { conversationOf, inputItems, outputItems, readRecord, userMessage } from './kept-record.ts'

const HINTS = ['"previous_response_id"', '"item_reference"', '"conversation"'].map((text) => Buffer.from(text))

/** A request that says what it goes on with instead of holding it. */
export interface Referring {
  readonly body: JsonObject
  readonly previous: string | null
  /** Of the vendor: the gateway keeps none. */
  readonly conversation: string | null
  /** Ids of items that are referred to. */
  readonly references: readonly string[]
}

/** What a body refers to; null for one that holds everything, and for one that others refuse. */
export function referringOf(bytes: Buffer): Referring | null {
  if (!HINTS.some((hint) => bytes.includes(hint))) return null
  const body = parsed(bytes)
  if (body === null) return null
  const { previous_response_id: id, conversation: named, input } = body
  const previous = idOf(id)
  const conversation = idOf(isObject(named) ? named['id'] : named)
  const items: readonly unknown[] = Array.isArray(input) ? input : []
  const references = items.flatMap((item) => {
    if (!isObject(item) || item['type'] !== 'item_reference') return []
    return typeof item['id'] === 'string' ? [item['id']] : []
  })
  const holdsAll = previous === null && conversation === null && references.length === 0
  return holdsAll ? null : { body, previous, conversation, references }
}

function idOf(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null
}

/** The request with all that it refers to, after the turns before it. References that lead nowhere stay. */
export async function resolved(
  { body, references }: Referring,
  turns: readonly string[],
  { tenant, content }: { readonly tenant: string; readonly content: ContentPort },
): Promise<Buffer> {
  const before = conversationOf(turns.map(readRecord).filter((record) => record !== null))
  const known = new Map(before.map((item) => [item['id'], item]))
  const missing = references.filter((id) => !known.has(id))
  if (missing.length > 0) {
    for (const text of await content.holders(tenant, missing)) {
      const record = readRecord(text)
      if (record === null) continue
      for (const item of [...inputItems(record), ...outputItems(record)]) known.set(item['id'], item)
    }
  }
  const { previous_response_id: _previous, input, ...rest } = body
  const items: readonly unknown[] = typeof input === 'string' ? [userMessage(input)] : Array.isArray(input) ? input : []
  const whole = items.map((item) => {
    return isObject(item) && item['type'] === 'item_reference' ? (known.get(item['id']) ?? item) : item
  })
  return Buffer.from(writeJson({ ...rest, input: [...before, ...whole] }))
}

function parsed(bytes: Buffer): JsonObject | null {
  try {
    const value = parseExact(bytes.toString('utf8'))
    return isObject(value) ? value : null
  } catch {
    return null // whoever reads the request says so
  }
}
