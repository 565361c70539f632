import { GatewayError } from '../../core/index.ts'
import { createScanner, readJson, readString, type ScannedObject, skipValue, walkItems } from '../../lib/index.ts'
import { wrongField } from '../wrong-field.ts'
import { MEMBERS, type Operation, type OperationFacts, type OperationMember } from './operation.ts'

const MAX_DEPTH = 64
const MAX_MODEL_NAME = 256
const ARRAY_OPEN = 0x5b
const QUOTE = 0x22
const NULL = 0x6e
/** Members whose text is read by the model. */
const READ = ['input', 'prompt', 'query', 'documents'] as const

const scanner = createScanner(MEMBERS, { maxDepth: MAX_DEPTH })

export interface JsonRequest {
  readonly facts: OperationFacts
  readonly vectors: 'float' | 'base64' | null
  /** Valid until the next scan of this thread. */
  readonly scanned: ScannedObject
}

/** Number of a member in the scan. */
export function memberAt(member: OperationMember): number {
  return MEMBERS.indexOf(member)
}

/** Reads what the gateway needs of a request, and builds nothing else of it. */
export function readJsonRequest(operation: Operation, body: Buffer): JsonRequest | GatewayError {
  if (body.length === 0) return new GatewayError('invalid_json', 'The request has no body; a JSON object is needed.')
  const scanned = scanner.scan(body)
  if (scanned.kind !== 'object') {
    const { kind, offset, key = '' } = scanned
    if (kind === 'duplicate-key')
      return wrongField(key, `The key "${key}" appears twice; it could be read in two ways.`)
    if (kind === 'not-object') return new GatewayError('invalid_request', 'The body must be a JSON object.')
    return new GatewayError('invalid_json', `The body is not valid JSON of moderate depth: see byte ${offset}.`)
  }
  const value = (member: OperationMember): Buffer | null => {
    const index = memberAt(member)
    if (!scanned.has(index) || body[scanned.valueStart(index)] === NULL) return null
    return body.subarray(scanned.valueStart(index), scanned.valueEnd(index))
  }
  for (const member of operation.required) {
    if (value(member) === null) return wrongField(member, `"${member}" must be given.`)
  }
  const model = modelOf(value('model'), operation)
  if (model instanceof GatewayError) return model
  const n = value('n')
  const count = n === null ? 1 : readJson(n, 0, n.length)
  if (!Number.isSafeInteger(count) || Number(count) < 1 || Number(count) > 10_000) {
    return wrongField('n', '"n" must be a positive whole number.')
  }
  const documents = value('documents')
  const vectors = value('encoding_format')
  const form = vectors === null ? null : readString(vectors, 0, vectors.length)
  const input = value('input')
  return {
    facts: {
      model,
      stream: value('stream')?.toString() === 'true' || value('stream_format')?.toString() === '"sse"',
      textBytes: READ.reduce((bytes, member) => bytes + (value(member)?.length ?? 0), 0),
      characters: input?.[0] === QUOTE ? (readString(input, 0, input.length) ?? '').length : 0,
      count: documents === null ? Number(count) : Math.max(1, itemsOf(documents)),
      uploadBytes: 0,
    },
    // What the vendor takes when nothing is said.
    vectors: operation.name !== 'embeddings' ? null : form === 'base64' ? 'base64' : 'float',
    scanned,
  }
}

/** The model that a request names, or that stands for it when it names none. */
export function modelOf(value: Buffer | null, operation: Operation): string | GatewayError {
  if (value === null) {
    if (operation.defaultModel !== null) return operation.defaultModel
    return wrongField('model', '"model" must be a non-empty string.')
  }
  const model = readString(value, 0, value.length)
  if (model === null || model === '') return wrongField('model', '"model" must be a non-empty string.')
  if (model.length > MAX_MODEL_NAME) return wrongField('model', `"model" must be at most ${MAX_MODEL_NAME} characters.`)
  return model
}

function itemsOf(documents: Buffer): number {
  if (documents[0] !== ARRAY_OPEN) return 1
  let items = 0
  walkItems(documents, 0, (at) => {
    items++
    return skipValue(documents, at)
  })
  return items
}
