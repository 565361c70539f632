import type { Fields } from '../../ir/fields.ts'
import { isObject, type JsonObject } from '../../ir/json.ts'
import type { Losses } from '../../ir/losses.ts'
import type { CacheMark } from '../../ir/parts.ts'

const LIFETIMES: ReadonlySet<unknown> = new Set(['5m', '1h', '24h'])

/**
 * The mark of a part up to which the prompt shall be kept: `prompt_cache_breakpoint` of the vendor's newer models, and
 * `cache_control`, which clients of Claude send in this dialect. A lifetime that only the vendor knows stays unread, and
 * goes back to it as it came.
 */
export function readCache(object: JsonObject, part: Fields): CacheMark | undefined {
  const { cache_control: control, prompt_cache_breakpoint: breakpoint } = object
  if (isObject(control)) {
    part.value('cache_control')
    const { ttl } = control
    // One of the three, as the set says.
    return LIFETIMES.has(ttl) ? { ttl: ttl as CacheMark['ttl'] } : {}
  }
  if (!isObject(breakpoint) || breakpoint['ttl'] !== undefined) return undefined
  part.value('prompt_cache_breakpoint')
  return {}
}

/** How an upstream takes cache marks. */
export type CacheStyle = 'cache_control' | 'prompt_cache_breakpoint' | 'none'

/** The members of a marked part. */
export function writeCache(mark: CacheMark | undefined, style: CacheStyle, path: string, losses: Losses): JsonObject {
  if (mark === undefined) return NOTHING
  switch (style) {
    case 'cache_control':
      return { cache_control: mark.ttl === undefined ? { type: 'ephemeral' } : { type: 'ephemeral', ttl: mark.ttl } }
    case 'prompt_cache_breakpoint':
      if (mark.ttl !== undefined) losses.adapt(path)
      return { prompt_cache_breakpoint: { mode: 'explicit' } }
    case 'none':
      losses.drop(path)
      return NOTHING
  }
}

const NOTHING: JsonObject = {}
