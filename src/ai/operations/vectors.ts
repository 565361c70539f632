import { isObject, type JsonObject } from '../ir/json.ts'

/** A vector as base64 of 32-bit floats, little-endian: what OpenAI's clients ask for unless they are told otherwise. */
export function packVector(values: readonly number[]): string {
  const bytes = Buffer.allocUnsafe(values.length * 4)
  for (let at = 0; at < values.length; at++) bytes.writeFloatLE(values[at] ?? 0, at * 4)
  return bytes.toString('base64')
}

/** The numbers of a packed vector; null for what is none. Nine digits tell any 32-bit float. */
export function unpackVector(text: string): number[] | null {
  const bytes = Buffer.from(text, 'base64')
  if (bytes.length === 0 || bytes.length % 4 !== 0) return null
  const values = new Array<number>(bytes.length / 4)
  for (let at = 0; at < values.length; at++) values[at] = Number(bytes.readFloatLE(at * 4).toPrecision(9))
  return values
}

/** Which form the vectors of an answer have, from its first bytes; null when they do not say it. */
export function formOfVectors(bytes: Buffer): 'float' | 'base64' | null {
  const found = /"embedding"\s*:\s*(["[])/.exec(bytes.toString('latin1', 0, Math.min(bytes.length, 65_536)))
  return found === null ? null : found[1] === '"' ? 'base64' : 'float'
}

/** The same answer with its vectors in the form that the client asked for. */
export function withVectors(answer: JsonObject, form: 'float' | 'base64'): JsonObject {
  const { data } = answer
  if (!Array.isArray(data)) return answer
  return { ...answer, data: data.map((entry: unknown) => (isObject(entry) ? inForm(entry, form) : entry)) }
}

function inForm(entry: JsonObject, form: 'float' | 'base64'): JsonObject {
  const { embedding } = entry
  if (form === 'base64' && isNumbers(embedding)) return { ...entry, embedding: packVector(embedding) }
  if (form === 'float' && typeof embedding === 'string') {
    const values = unpackVector(embedding)
    return values === null ? entry : { ...entry, embedding: values }
  }
  return entry
}

function isNumbers(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'number')
}
