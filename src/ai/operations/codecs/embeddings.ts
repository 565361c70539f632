import { GatewayError } from '../../../core/index.ts'
import { isObject, type JsonObject } from '../../ir/json.ts'
import type { CodecContext } from '../codec.ts'

/** The texts of a request; `most` of them at once. Numbers of tokens mean something to one vendor's models only. */
export function textsOf(request: JsonObject, most: number): string[] | GatewayError {
  const { input } = request
  const texts = typeof input === 'string' ? [input] : input
  if (!Array.isArray(texts) || texts.length === 0) return refused('"input" must be a text or a list of texts.')
  if (!isTexts(texts)) {
    const numbers = texts.every((item) => typeof item === 'number' || Array.isArray(item))
    return refused(
      numbers
        ? 'This model takes texts as "input", not numbers of tokens.'
        : '"input" must be a text or a list of texts.',
    )
  }
  if (texts.length > most)
    return refused(`This model takes at most ${most} texts in one request; there are ${texts.length}.`)
  return texts
}

function isTexts(items: readonly unknown[]): items is string[] {
  return items.every((item) => typeof item === 'string')
}

function refused(message: string): GatewayError {
  return new GatewayError('invalid_request', message, { param: 'input' })
}

/** The dimensions that a request asks for; null for none. */
export function dimensionsOf(request: JsonObject): number | null | GatewayError {
  const { dimensions } = request
  if (dimensions === undefined) return null
  if (typeof dimensions === 'number' && Number.isSafeInteger(dimensions) && dimensions > 0) return dimensions
  return new GatewayError('invalid_request', '"dimensions" must be a positive whole number.', { param: 'dimensions' })
}

/** Members that only OpenAI knows: they are reported, not sent. `known` are those that the caller carries itself. */
export function dropOthers(request: JsonObject, context: CodecContext, ...known: readonly string[]): void {
  const read = new Set(['model', 'input', 'encoding_format', 'dimensions', ...known])
  for (const name of Object.keys(request)) if (!read.has(name)) context.losses.drop(name)
}

/** An answer of OpenAI's shape (API reference, "Create embeddings"); without tokens when the vendor says none. */
export function embeddingsAnswer(
  vectors: unknown,
  tokens: number | null,
  context: CodecContext,
): JsonObject | GatewayError {
  if (!Array.isArray(vectors) || !vectors.every(isVector)) {
    return new GatewayError('upstream_invalid_response', 'The upstream answered without vectors.')
  }
  return {
    object: 'list',
    data: vectors.map((embedding, index) => ({ object: 'embedding', index, embedding })),
    model: context.model,
    ...(tokens === null ? {} : { usage: { prompt_tokens: tokens, total_tokens: tokens } }),
  }
}

function isVector(value: unknown): boolean {
  return Array.isArray(value) && value.length > 0 && value.every((item) => typeof item === 'number')
}

/** A member of a member, or undefined. */
export function inside(value: unknown, ...path: readonly string[]): unknown {
  let found = value
  for (const name of path) found = isObject(found) ? found[name] : undefined
  return found
}

/** A count of tokens that a vendor tells, or null. */
export function tokenCount(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? Math.ceil(value) : null
}
