import type { IncomingMessage, ServerResponse } from 'node:http'
import { ControlError } from './errors.ts'
import { findRepeatedKey } from './repeated-key.ts'

/** The largest body that is read. */
export const MAX_BODY_BYTES = 1_048_576

/** Whether a request announces a body. */
export function hasBody(req: IncomingMessage): boolean {
  return req.headers['transfer-encoding'] !== undefined || Number(req.headers['content-length'] ?? 0) > 0
}

/**
 * Reads and parses a JSON body that must be complete within `timeoutMs`. Throws ControlError as soon as it is too
 * large, too late, of another type, or no JSON.
 */
export async function readJsonBody(req: IncomingMessage, res: ServerResponse, timeoutMs: number): Promise<unknown> {
  const type = req.headers['content-type'] ?? ''
  if (!/^application\/json *(?:; *charset="?utf-8"? *)?$/i.test(type)) {
    const message = 'Send JSON with `Content-Type: application/json`.'
    throw new ControlError('unsupported_media_type', message, { param: 'content-type' })
  }
  if ((req.headers['content-encoding'] ?? 'identity') !== 'identity') {
    const message = 'A compressed body is not taken.'
    throw new ControlError('unsupported_media_type', message, { param: 'content-encoding' })
  }
  if (Number(req.headers['content-length'] ?? 0) > MAX_BODY_BYTES) throw tooLarge()
  if (req.headers.expect !== undefined) res.writeContinue()
  return parseJson(await readBytes(req, timeoutMs))
}

async function readBytes(req: IncomingMessage, timeoutMs: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let bytes = 0
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const broken = () => reject(new ControlError('malformed_request', 'The connection broke within the body.'))
  const timer = setTimeout(() => {
    reject(new ControlError('request_timeout', 'The body did not arrive in time.'))
  }, timeoutMs)
  // Not `for await`: leaving its loop would destroy the socket before the refusal is sent.
  req.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    if (bytes > MAX_BODY_BYTES) reject(tooLarge())
    else chunks.push(chunk)
  })
  req.once('end', resolve)
  req.once('error', broken)
  req.once('close', broken)
  try {
    await promise
  } finally {
    clearTimeout(timer)
  }
  return Buffer.concat(chunks)
}

function parseJson(bytes: Buffer): unknown {
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (cause) {
    // The parser's message would repeat the body, which may hold what was not meant for logs.
    throw new ControlError('invalid_json', 'The body is not valid JSON in UTF-8.', { cause })
  }
  const twice = findRepeatedKey(bytes)
  if (twice === null) return value
  // Of two values one would be checked by eye and the other one taken.
  throw new ControlError('invalid_json', 'A member of an object is given twice.', { param: twice })
}

function tooLarge(): ControlError {
  return new ControlError('request_too_large', `The body is larger than ${MAX_BODY_BYTES} bytes.`)
}
