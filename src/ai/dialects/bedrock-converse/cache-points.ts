import type { JsonObject } from '../../ir/json.ts'
import type { Losses } from '../../ir/losses.ts'
import type { CacheMark } from '../../ir/parts.ts'

/** Cache points that one request may carry. */
const MOST_POINTS = 4

/**
 * Cache points are elements of their own behind what they cover. Beyond four, the last ones count: a later one covers what is in
 * front of it.
 */
export class CachePoints {
  readonly #losses: Losses
  readonly #put: { readonly list: JsonObject[]; readonly point: JsonObject }[] = []

  constructor(losses: Losses) {
    this.#losses = losses
  }

  /** Puts a point at the end of a list, where something is marked. */
  put(list: JsonObject[], mark: CacheMark | undefined): void {
    if (mark === undefined || list.length === 0) return
    if (mark.ttl === '24h') this.#losses.adapt('cache_control.ttl')
    const ttl = mark.ttl === '24h' ? '1h' : mark.ttl
    const point: JsonObject = { cachePoint: ttl === undefined ? { type: 'default' } : { type: 'default', ttl } }
    list.push(point)
    this.#put.push({ list, point })
  }

  bound(): void {
    const surplus = this.#put.length - MOST_POINTS
    if (surplus <= 0) return
    this.#losses.adapt('cache_control')
    const gone = new Set(this.#put.slice(0, surplus).map(({ point }) => point))
    for (const list of new Set(this.#put.slice(0, surplus).map((put) => put.list))) {
      const kept = list.filter((item) => !gone.has(item))
      list.length = 0
      for (const item of kept) list.push(item)
    }
  }
}
