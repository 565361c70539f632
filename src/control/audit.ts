import { ControlError } from './errors.ts'
import { pageSize } from './paging.ts'
import type { ControlPort } from './port.ts'
import { type Answer, type ControlRequest, ok } from './resource.ts'

const MAX_TEXT = 256

/** A page of the audit log, newest first; `next_cursor` asks for the page after it, null after the last. */
export async function listAudit(port: ControlPort, { query }: ControlRequest): Promise<Answer> {
  const limit = pageSize(query.get('limit'))
  const [actor, target, action] = ['actor', 'target', 'action'].map((name) => textIn(query, name))
  const rows = await port.audit({
    before: cursorOf(query.get('cursor')),
    limit: limit + 1,
    actor: actor ?? null,
    target: target ?? null,
    action: action ?? null,
  })
  const page = rows.slice(0, limit)
  const data = page.map(({ sequence, time, ...entry }) => ({
    id: sequence,
    time: new Date(time).toISOString(),
    ...entry,
  }))
  const last = rows.length > limit ? page.at(-1) : undefined
  return ok({ data, next_cursor: last === undefined ? null : String(last.sequence) })
}

function textIn(query: ReadonlyMap<string, string>, name: string): string | null {
  const text = query.get(name)
  if (text === undefined || (text !== '' && text.length <= MAX_TEXT)) return text ?? null
  throw new ControlError('invalid_request', `${name}: expected a text of up to ${MAX_TEXT} characters.`, {
    param: name,
  })
}

function cursorOf(text: string | undefined): number | null {
  if (text === undefined) return null
  const sequence = /^\d{1,15}$/.test(text) ? Number(text) : 0
  if (sequence >= 1) return sequence
  throw new ControlError('invalid_request', 'cursor: expected the `next_cursor` of another page.', { param: 'cursor' })
}
