import type { ScannedObject } from './json-scan.ts'
import { skipSpace } from './json-value.ts'

const COMMA = 0x2c
const OBJECT_CLOSE = 0x7d

/**
 * One change to a governed top-level key, named by its index in the scanner: `set` replaces the value or, when the key
 * is absent, inserts it after the root's `{` (`json` is the value's JSON text); `remove` takes the member away with its
 * comma, and does nothing when the key is absent. A key may be changed once in a list.
 */
export type Edit =
  | { readonly kind: 'set'; readonly index: number; readonly json: string }
  | { readonly kind: 'remove'; readonly index: number }

interface Cut {
  readonly start: number
  readonly end: number
  readonly text: string
}

/**
 * A new buffer with the edits made to a scanned body; every byte outside the changed members is as it was. `object`
 * must be the scan of these very bytes.
 */
export function patchTopLevel(bytes: Buffer, object: ScannedObject, edits: readonly Edit[]): Buffer {
  return splice(bytes, cutsOf(bytes, object, edits))
}

/** The same without copying what stays: the result, joined, is what `patchTopLevel` gives. Views of `bytes` and texts. */
export function patchInPieces(bytes: Buffer, object: ScannedObject, edits: readonly Edit[]): Buffer[] {
  const pieces: Buffer[] = []
  let from = 0
  for (const { start, end, text } of cutsOf(bytes, object, edits)) {
    if (start > from) pieces.push(bytes.subarray(from, start))
    if (text !== '') pieces.push(Buffer.from(text))
    from = end
  }
  if (from < bytes.length) pieces.push(bytes.subarray(from))
  return pieces
}

function cutsOf(bytes: Buffer, object: ScannedObject, edits: readonly Edit[]): Cut[] {
  const cuts = replacements(object, edits)
  cuts.push(...removals(bytes, object, edits))
  cuts.sort((a, b) => a.start - b.start)
  const inserted = insertion(bytes, object, edits, cuts)
  if (inserted !== null) cuts.unshift(inserted)
  return cuts
}

function replacements(object: ScannedObject, edits: readonly Edit[]): Cut[] {
  const cuts: Cut[] = []
  for (const edit of edits) {
    if (edit.kind !== 'set' || !object.has(edit.index)) continue
    cuts.push({ start: object.valueStart(edit.index), end: object.valueEnd(edit.index), text: edit.json })
  }
  return cuts
}

/**
 * A member goes with the comma behind it, the last one with the comma before it. Neighbours that go together are one
 * cut, because the comma between them belongs to both.
 */
function removals(bytes: Buffer, object: ScannedObject, edits: readonly Edit[]): Cut[] {
  const members: { readonly start: number; readonly end: number }[] = []
  for (const edit of edits) {
    if (edit.kind !== 'remove' || !object.has(edit.index)) continue
    members.push({ start: object.keyStart(edit.index), end: object.valueEnd(edit.index) })
  }
  members.sort((a, b) => a.start - b.start)
  const cuts: Cut[] = []
  let next = 0
  for (let member = members[next]; member !== undefined; member = members[next]) {
    let end = afterComma(bytes, member.end)
    for (next++; end !== -1 && members[next]?.start === end; next++) end = afterComma(bytes, members[next]?.end ?? end)
    if (end !== -1) cuts.push({ start: member.start, end, text: '' })
    else cuts.push({ start: beforeComma(bytes, member.start), end: object.close, text: '' })
  }
  return cuts
}

/** The offset of the next member's key, or -1 when the member that ends at `end` is the last. */
function afterComma(bytes: Buffer, end: number): number {
  const at = skipSpace(bytes, end)
  return bytes[at] === COMMA ? skipSpace(bytes, at + 1) : -1
}

/** The offset of the comma before the member at `start`, or `start` when that member is the first. */
function beforeComma(bytes: Buffer, start: number): number {
  let at = start - 1
  while (isSpace(bytes[at])) at--
  return bytes[at] === COMMA ? at : start
}

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09
}

function insertion(bytes: Buffer, object: ScannedObject, edits: readonly Edit[], cuts: readonly Cut[]): Cut | null {
  let text = ''
  for (const edit of edits) {
    if (edit.kind !== 'set' || object.has(edit.index)) continue
    if (text !== '') text += ','
    text += `${JSON.stringify(object.keys[edit.index])}:${edit.json}`
  }
  if (text === '') return null
  const after = object.open + 1
  const first = skipSpace(bytes, after)
  const removed = cuts[0]
  const empty = bytes[first] === OBJECT_CLOSE || (removed?.start === first && removed.end === object.close)
  return { start: after, end: after, text: empty ? text : `${text},` }
}

function splice(bytes: Buffer, cuts: readonly Cut[]): Buffer {
  let length = bytes.length
  for (const cut of cuts) length += Buffer.byteLength(cut.text) - (cut.end - cut.start)
  const patched = Buffer.allocUnsafe(length)
  let from = 0
  let to = 0
  for (const cut of cuts) {
    to += bytes.copy(patched, to, from, cut.start)
    to += patched.write(cut.text, to)
    from = cut.end
  }
  bytes.copy(patched, to, from)
  return patched
}
