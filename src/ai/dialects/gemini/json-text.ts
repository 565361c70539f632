import { isObject, parseExact } from '../../ir/json.ts'

/** JSON text of an object, `{}` for an empty one, or null. */
export function objectText(text: string): string | null {
  if (text.trim() === '') return '{}'
  try {
    return isObject(JSON.parse(text)) ? text : null
  } catch {
    return null // cut or broken: the caller says what becomes of it
  }
}

/** What is in a text that should be JSON, with its long numbers; undefined when it is none. */
export function parsed(text: string): unknown {
  try {
    return parseExact(text)
  } catch {
    return undefined // what it means that it is none, the caller knows
  }
}
