import type { ContentPort } from '../../../storage/index.ts'
import { isObject, type JsonObject, parseExact, writeJson } from '../../ir/json.ts'
import { conversationOf, inputItems, outputItems, readRecord, userMessage } from './kept-record.ts'

const PREVIOUS = Buffer.from('"previous_response_id"')
const REFERENCE = Buffer.from('"item_reference"')

/** A request that says what it goes on with instead of holding it. */
export interface Referring {
  readonly body: JsonObject
  readonly previous: string | null
  /** Ids of items that are referred to. */
  readonly references: readonly string[]
}

/** What a body refers to; null for one that holds everything, and for one that others refuse. */
export function referringOf(bytes: Buffer): Referring | null {
  if (!bytes.includes(PREVIOUS) && !bytes.includes(REFERENCE)) return null
  const body = parsed(bytes)
  if (body === null) return null
  const { previous_response_id: id, input } = body
  const previous = typeof id === 'string' && id !== '' ? id : null
  const items: readonly unknown[] = Array.isArray(input) ? input : []
  const references = items.flatMap((item) => {
    if (!isObject(item) || item['type'] !== 'item_reference') return []
    return typeof item['id'] === 'string' ? [item['id']] : []
  })
  return previous === null && references.length === 0 ? null : { body, previous, references }
}

/** The request with all that it refers to; null when the turn before is not there. References that lead nowhere stay. */
export async function resolved(
  { body, previous, references }: Referring,
  tenant: string,
  content: ContentPort,
): Promise<Buffer | null> {
  const turns = previous === null ? [] : await content.chain(tenant, previous)
  if (turns === null) return null
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
