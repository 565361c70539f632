import { skipValue, walkItems, walkMembers } from '../lib/index.ts'

const SPACE = /[\t\n\r ]/
const OBJECT_OPEN = 0x7b

/** A key that an object of this JSON has twice, however it is escaped; null when there is none. Beneath 32 levels nobody looks. */
export function findRepeatedKey(json: Buffer): string | null {
  let found: string | null = null
  const visit = (at: number, depth: number): number => {
    if (found !== null || depth === 0) return skipValue(json, at)
    if (json[at] !== OBJECT_OPEN) return walkItems(json, at, (item) => visit(item, depth - 1))
    const keys = new Set<string>()
    return walkMembers(json, at, (value, start, end) => {
      const key = String(JSON.parse(`"${json.toString('utf8', start, end)}"`))
      if (keys.has(key)) found ??= key
      keys.add(key)
      return visit(value, depth - 1)
    })
  }
  const start = json.findIndex((byte) => !SPACE.test(String.fromCharCode(byte)))
  visit(start, 32)
  return found
}
