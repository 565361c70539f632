import { isObject, type JsonObject, RawJson } from '../ir/json.ts'
import type { Losses } from '../ir/losses.ts'

/**
 * Arguments of a call for dialects that want an object: as they stand when they are one, `{}` for none. Anything else (a model
 * cut short, or broken) goes as the one member `invalid_arguments`, reported under `path`.
 */
export function argumentsObject(text: string, losses: Losses, path: string): RawJson | JsonObject {
  if (text === '' || text === '{}') return {}
  if (isObjectText(text)) return new RawJson(text)
  losses.adapt(path)
  return { invalid_arguments: text }
}

function isObjectText(text: string): boolean {
  try {
    return isObject(JSON.parse(text))
  } catch {
    return false // not JSON: the caller says so
  }
}
