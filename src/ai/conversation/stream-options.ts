import type { GatewayError } from '../../core/index.ts'
import { patchTopLevel, type ScannedObject } from '../../lib/index.ts'
import { wrongField } from '../wrong-field.ts'
import { FIELD, OPTION, streamOptionsScanner } from './fields.ts'

/** The usage that a client asked for with `stream_options`, and what asks for it. */
export interface StreamOptions {
  readonly asksUsage: boolean
  /** Text of `stream_options` that ask for the usage; every other byte of the client's own is as it was. */
  readonly withUsage: string
}

const ASKING = '{"include_usage":true}'
const NONE: StreamOptions = { asksUsage: false, withUsage: ASKING }
const TRUE = 0x74
const FALSE = 0x66
const NULL = 0x6e
const OBJECT_OPEN = 0x7b

/** Reads the `stream_options` of a scanned request. */
export function readStreamOptions(body: Buffer, scanned: ScannedObject): StreamOptions | GatewayError {
  if (!scanned.has(FIELD.streamOptions)) return NONE
  const options = body.subarray(scanned.valueStart(FIELD.streamOptions), scanned.valueEnd(FIELD.streamOptions))
  if (options[0] === NULL) return NONE
  if (options[0] !== OBJECT_OPEN) return wrongField('stream_options', '"stream_options" must be an object.')
  const members = streamOptionsScanner.scan(options)
  // The request's own scan found it valid, so this is the only fault that there can be.
  if (members.kind !== 'object') {
    const message = 'The key "include_usage" of "stream_options" appears twice; it could be read in two ways.'
    return wrongField('stream_options', message)
  }
  const asked = members.has(OPTION.includeUsage) ? options[members.valueStart(OPTION.includeUsage)] : NULL
  if (asked === TRUE) return { asksUsage: true, withUsage: options.toString() }
  if (asked !== FALSE && asked !== NULL) {
    return wrongField('stream_options.include_usage', '"stream_options.include_usage" must be true or false.')
  }
  const edit = { kind: 'set', index: OPTION.includeUsage, json: 'true' } as const
  return { asksUsage: false, withUsage: patchTopLevel(options, members, [edit]).toString() }
}
