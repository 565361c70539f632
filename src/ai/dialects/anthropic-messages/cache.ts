import type { Fields } from '../../ir/fields.ts'
import type { Losses } from '../../ir/losses.ts'
import type { CacheMark } from '../../ir/parts.ts'
import type { Capabilities } from '../dialect.ts'

/** Marks that one request may carry ("Prompt caching"). */
export const MOST_MARKS = 4

/** The fewest tokens that are kept, of the models for which it is not the usual number ("Prompt caching", 2026-11). */
const LEAST_CACHED: readonly (readonly [models: RegExp, tokens: number])[] = [
  [/opus-4-[56]|haiku-4-5/, 4096],
  [/opus-4-7|sonnet-4-6|haiku-3|3-5-haiku|3-haiku/, 2048],
]
const USUALLY_CACHED = 1024

/** Null for a model of another family behind this dialect. */
export function leastCached(model: string, { family }: Capabilities): number | null {
  if (family !== 'anthropic') return null
  return LEAST_CACHED.find(([models]) => models.test(model))?.[1] ?? USUALLY_CACHED
}

/** `cache_control` of a block, a tool or a message. */
export function readCache(fields: Fields): CacheMark | undefined {
  const mark = fields.fields('cache_control')
  if (mark === undefined) return undefined
  mark.oneOf('type', ['ephemeral'])
  const ttl = mark.oneOf('ttl', ['5m', '1h'])
  return ttl === undefined ? {} : { ttl }
}

/** A block of the wire; what is written to is a block of our own making. */
export type Block = Record<string, unknown>

/**
 * Puts marks on blocks in the order of the prompt (tools, instructions, conversation), and keeps the last ones when there are more
 * than the API takes: a later mark covers what is in front of it.
 */
export class CacheMarks {
  readonly #losses: Losses
  readonly #marked: Block[] = []

  constructor(losses: Losses) {
    this.#losses = losses
  }

  put(block: Block, mark: CacheMark | undefined): Block {
    if (mark === undefined) return block
    if (mark.ttl === '24h') this.#losses.adapt('cache_control.ttl')
    const ttl = mark.ttl === '24h' ? '1h' : mark.ttl
    block['cache_control'] = ttl === undefined ? { type: 'ephemeral' } : { type: 'ephemeral', ttl }
    this.#marked.push(block)
    return block
  }

  /** Takes marks away beyond `most`. */
  bound(most: number): void {
    const surplus = this.#marked.length - most
    if (surplus <= 0) return
    this.#losses.adapt('cache_control')
    for (const block of this.#marked.slice(0, surplus)) delete block['cache_control']
  }
}
