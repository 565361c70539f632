import { isObject, type JsonObject } from '../../ir/json.ts'
import type { Citation } from '../../ir/parts.ts'

/** What of the answer stands on which document or result of a tool; characters of the text that it is in. */
export function decodeCitation(value: JsonObject): Citation {
  const { start, end, text, sources } = value
  const [source] = Array.isArray(sources) ? sources.filter(isObject) : []
  const document = source?.['document']
  const { url, title } = isObject(document) ? document : {}
  return {
    ...(typeof url === 'string' && { url }),
    ...(typeof title === 'string' && { title }),
    ...(typeof text === 'string' && { quote: text }),
    ...(typeof start === 'number' && { start }),
    ...(typeof end === 'number' && { end }),
    raw: { dialect: 'cohere', value },
  }
}
