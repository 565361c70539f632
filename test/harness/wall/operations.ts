import { isObject, type JsonObject, parseJson } from '../json.ts'
import type { WallExchange } from './exchange.ts'
import { headerOf, type ReadRequest } from './request-reader.ts'

/** Paths of the wall beside conversations. */
const OPERATIONS = ['/v1/embeddings', '/v1/audio/transcriptions'] as const

/** What is asked for beside a conversation: its members, or the fields of its form; null for another path. */
export function operationOf(request: ReadRequest): { readonly path: string; readonly body: JsonObject | null } | null {
  const path = OPERATIONS.find((known) => known === request.head.startLine.split(' ')[1])
  if (path === undefined) return null
  return { path, body: path === '/v1/embeddings' ? embeddingsBody(request) : formOf(request) }
}

/** Answers an operation as the vendor does when nothing is wrong. */
export function answerOperation(x: WallExchange, path: string, body: JsonObject): Promise<void> {
  if (path === '/v1/audio/transcriptions') return x.json(200, { text: `heard ${String(body['file'])} bytes` })
  const usage = { prompt_tokens: 3, total_tokens: 3 }
  x.entry.usage = usage
  const data = [{ object: 'embedding', index: 0, embedding: [0.5, 1] }]
  return x.json(200, { object: 'list', data, model: body['model'], usage })
}

function embeddingsBody(request: ReadRequest): JsonObject | null {
  const body = parseJson(request.body.toString('utf8'))
  return isObject(body) && typeof body['input'] === 'string' ? body : null
}

/** Fields of a form that is whole; of a file its size. */
function formOf(request: ReadRequest): JsonObject | null {
  const boundary = /boundary=([^\s;]+)/.exec(headerOf(request, 'content-type') ?? '')?.[1]
  const text = request.body.toString('latin1')
  if (boundary === undefined || !text.endsWith(`\r\n--${boundary}--\r\n`)) return null
  const fields: Record<string, unknown> = {}
  for (const part of text.split(`--${boundary}\r\n`).slice(1)) {
    const at = part.indexOf('\r\n\r\n')
    const head = part.slice(0, at)
    const value = part.slice(at + 4)
    const name = / name="([^"]+)"/.exec(head)?.[1]
    if (name === undefined) return null
    const whole = value.replace(new RegExp(`(?:\r\n--${boundary}--)?\r\n$`), '')
    fields[name] = head.includes('filename=') ? whole.length : whole
  }
  return typeof fields['model'] === 'string' && 'file' in fields ? fields : null
}
