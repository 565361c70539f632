import { GatewayError } from '../../../core/index.ts'
import { createScanner, readString, skipValue, walkItems } from '../../../lib/index.ts'
import { wrongField } from '../../wrong-field.ts'
import type { BatchFacts } from './batch-facts.ts'
import { BatchLines, type BatchLinesOptions } from './batch-lines.ts'

const MAX_DEPTH = 128
/** The vendor's own limit (Message Batches API, 2026-11). */
const MOST_REQUESTS = 100_000
/** Looked at in one go; others have their turn in between. */
const LONGEST_TURN_MS = 8
const PATH = '/v1/messages'

const bodyScanner = createScanner(['requests'], { maxDepth: MAX_DEPTH + 3 })
const itemScanner = createScanner(['params'], { maxDepth: MAX_DEPTH + 1 })

/** A body of `POST /v1/messages/batches` whose every request was looked at. */
export interface BatchRequests {
  /** As it goes to the provider. */
  readonly body: Buffer
  readonly facts: BatchFacts
}

/** Where each of a body's requests starts. Refuses what is no batch. */
export function requestsOf(body: Buffer): readonly number[] | GatewayError {
  const scanned = bodyScanner.scan(body)
  if (scanned.kind !== 'object') {
    const message =
      scanned.kind === 'not-object'
        ? 'The body must be a JSON object.'
        : `The body cannot be read as one JSON value: see byte ${scanned.offset}.`
    return new GatewayError('invalid_json', message)
  }
  const at = scanned.has(0) ? scanned.valueStart(0) : -1
  if (at < 0 || body[at] !== 0x5b) return wrongField('requests', '"requests" must be a list.')
  const starts: number[] = []
  walkItems(body, at, (start) => {
    if (starts.length <= MOST_REQUESTS) starts.push(start)
    return skipValue(body, start)
  })
  return starts.length > MOST_REQUESTS
    ? wrongField('requests', `A batch has at most ${MOST_REQUESTS} requests.`)
    : starts
}

/** The model that the first request names; null for none. */
export function firstModel(body: Buffer, starts: readonly number[]): string | null {
  const params = starts[0] === undefined ? null : paramsAt(body, starts[0])
  if (params === null) return null
  const scanned = modelScanner.scan(body.subarray(params.from, params.to))
  if (scanned.kind !== 'object' || !scanned.has(0)) return null
  return readString(body, params.from + scanned.valueStart(0), params.from + scanned.valueEnd(0))
}

const modelScanner = createScanner(['model'], { maxDepth: MAX_DEPTH })

/** Looks at every request as at a line of a batch's file, and names models as the provider does. */
export async function readRequests(
  body: Buffer,
  starts: readonly number[],
  options: BatchLinesOptions,
): Promise<BatchRequests | GatewayError> {
  const lines = new BatchLines(options)
  const pieces: Buffer[] = []
  let copied = 0
  let until = performance.now() + LONGEST_TURN_MS
  for (const [index, start] of starts.entries()) {
    const place = paramsAt(body, start)
    if (place === null) {
      return wrongField(`requests.${index}.params`, `Request ${index + 1} of the batch is no object with "params".`)
    }
    const sent = body.subarray(place.from, place.to)
    const params = lines.request(sent, PATH)
    if (params instanceof GatewayError) return params
    if (params !== sent) {
      pieces.push(body.subarray(copied, place.from), params)
      copied = place.to
    }
    if (performance.now() < until) continue
    await new Promise(setImmediate)
    until = performance.now() + LONGEST_TURN_MS
  }
  const { facts } = lines
  return { body: pieces.length === 0 ? body : Buffer.concat([...pieces, body.subarray(copied)]), facts }
}

/** Where the `params` of a request stand; null for what has none, or has them twice. */
function paramsAt(body: Buffer, start: number): { readonly from: number; readonly to: number } | null {
  const scanned = itemScanner.scan(body.subarray(start, skipValue(body, start)))
  if (scanned.kind !== 'object' || !scanned.has(0)) return null
  return { from: start + scanned.valueStart(0), to: start + scanned.valueEnd(0) }
}
