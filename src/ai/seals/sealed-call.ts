import { createHash } from 'node:crypto'
import { isObject, parseExact, writeJson } from '../ir/json.ts'
import type { AssistantPart, ReasoningPart, Signature, ToolCallPart } from '../ir/parts.ts'

/** A call of a tool with the seals that its vendor wants back, without the words of the call. */
export interface SealedCall {
  readonly id: string
  /** Tells whether a call of this id is the same one: ids may repeat. */
  readonly digest: string
  /** Sealed thoughts between the call before, if any, and this one. */
  readonly thoughts: readonly ReasoningPart[]
  readonly signature?: Signature | undefined
}

/** The calls of one answer with their seals; empty when nothing is sealed. */
export function sealedCallsOf(parts: readonly AssistantPart[]): SealedCall[] {
  const calls: SealedCall[] = []
  let thoughts: ReasoningPart[] = []
  let sealed = false
  for (const part of parts) {
    if (part.type === 'reasoning' && (part.signature !== undefined || part.sealed !== undefined)) thoughts.push(part)
    if (part.type !== 'tool-call') continue
    calls.push({ id: part.id, digest: digestOf(part), thoughts, signature: part.signature })
    if (thoughts.length > 0 || part.signature !== undefined) sealed = true
    thoughts = []
  }
  return sealed ? calls : []
}

/** Of the name and the arguments: clients may write these anew, with other spaces. */
export function digestOf({ name, arguments: text }: ToolCallPart): string {
  return createHash('sha256')
    .update(`${name}\n${compact(text)}`)
    .digest('base64url')
    .slice(0, 22)
}

function compact(text: string): string {
  try {
    return writeJson(parseExact(text === '' ? '{}' : text))
  } catch {
    return text // cut by the model: the client sends it back as it is
  }
}

/** The calls that were kept under some ids. */
export function readSealedCalls(texts: readonly string[]): ReadonlyMap<string, SealedCall> {
  const calls = new Map<string, SealedCall>()
  for (const text of texts) {
    const value: unknown = JSON.parse(text)
    const kept = isObject(value) && Array.isArray(value['calls']) ? value['calls'] : []
    // Written by `writeSealedCalls`, and sealed since.
    for (const call of kept as SealedCall[]) calls.set(call.id, call)
  }
  return calls
}

export function writeSealedCalls(calls: readonly SealedCall[]): string {
  return JSON.stringify({ calls })
}
