import type { JsonObject } from '../ir/json.ts'

/** An event of a stream that has data alone. */
export function sseData(value: JsonObject): string {
  return `data: ${JSON.stringify(value)}\n\n`
}
