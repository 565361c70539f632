import type { Usage } from '../models/price.ts'
import { readUsage } from './usage.ts'

const NAME = Buffer.from('"usage"')

/**
 * Usage from the end of an answer too long to be held whole: the last `"usage"` that is followed by an object. A quote
 * inside a JSON string is escaped, so text of the answer cannot look like that; a nested object could, but only
 * after the real one.
 */
export function tailUsage(tail: Buffer): Usage | null {
  for (let at = tail.lastIndexOf(NAME); at >= 0; at = at === 0 ? -1 : tail.lastIndexOf(NAME, at - 1)) {
    const value = objectAfter(tail, at + NAME.length)
    if (value !== null) return readUsage(value)
  }
  return null
}

function objectAfter(bytes: Buffer, start: number): unknown {
  const text = bytes.toString('latin1', start, Math.min(start + 4096, bytes.length))
  const opening = /^\s*:\s*\{/.exec(text)
  if (opening === null) return null
  const from = opening[0].length - 1
  let depth = 0
  for (let at = from; at < text.length; at++) {
    if (text[at] === '{') depth++
    else if (text[at] === '}' && --depth === 0) return parse(text.slice(from, at + 1))
  }
  return null
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null // not the object we look for; the search goes on
  }
}
