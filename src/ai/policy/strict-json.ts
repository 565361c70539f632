import { GatewayError } from '../../core/index.ts'
import { skipValue, walkItems, walkMembers } from '../../lib/index.ts'
import { RequestScanner } from '../conversation/fields.ts'
import { scanError } from '../conversation/request-reader.ts'

/** Bodies here are held to the same bounds as those of conversations. */
const scanner = new RequestScanner({})
const OBJECT_OPEN = 0x7b
const ARRAY_OPEN = 0x5b

/**
 * The value of a JSON body in which no name stands twice, however deep: of two one would be checked, and the other might
 * be used. Else why it is refused.
 */
export function readStrictJson(body: Buffer): unknown {
  const scanned = scanner.scan(body)
  if (scanned.kind !== 'object') return scanError(scanned)
  const twice = duplicateIn(body, scanned.open)
  if (twice === null) return JSON.parse(body.toString('utf8'))
  const message = `The key "${twice.slice(0, 64)}" appears twice; it could be read in two ways.`
  return new GatewayError('invalid_request', message, { param: twice.slice(0, 64) })
}

function duplicateIn(body: Buffer, root: number): string | null {
  let found: string | null = null
  const visit = (at: number): number => {
    if (body[at] === ARRAY_OPEN) return walkItems(body, at, visit)
    if (body[at] !== OBJECT_OPEN) return skipValue(body, at)
    const names = new Set<string>()
    return walkMembers(body, at, (valueAt, keyStart, keyEnd) => {
      const name = nameOf(body.toString('utf8', keyStart, keyEnd))
      if (names.has(name)) found ??= name
      names.add(name)
      return visit(valueAt)
    })
  }
  visit(root)
  return found
}

function nameOf(written: string): string {
  // Between quotes and after a successful scan this is always a string.
  return written.includes('\\') ? (JSON.parse(`"${written}"`) as string) : written
}
