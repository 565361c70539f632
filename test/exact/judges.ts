/*
 * What a limit must have held, said by witnesses outside the gateway: clients know when they sent and when they had their
 * answer, the wall knows when a request arrived and when it had answered. What lies between is uncertain, and counts for the
 * gateway: a violation is one whatever happened in between. All moments are of one process's clock, in milliseconds.
 */

/** A request that may have been let through. */
export interface Passage {
  readonly sentAt: number
  /** At the wall: it was let through before. Null when it did not get there, and nobody knows whether it was let through. */
  readonly arrivedAt: number | null
  /** The same of its last attempt: what all attempts used was not used before. */
  readonly allArrivedAt: number | null
  /** Until then it was certainly in flight; null when unknown. */
  readonly busyUntil: number | null
  /** From then on it certainly was not. */
  readonly overAt: number
  /** What its attempts reserved and what they were settled at, in the unit of the limit. */
  readonly reserved: number
  readonly settled: number
  /** One attempt reserved at a time, so that all of `reserved` was held while it was in flight. */
  readonly isSingle: boolean
  /** How often a rate of requests counts it at most. */
  readonly counted: number
}

/** A request that this limit refused. */
export interface Refusal {
  readonly sentAt: number
  readonly doneAt: number
}

export interface Witnesses {
  readonly passed: readonly Passage[]
  readonly refused: readonly Refusal[]
}

/** What refills in a window, as GCRA has it: `limit` at once after a pause, and one more each interval. */
export function rateViolations({ passed, refused }: Witnesses, limit: number, windowMs: number): string[] {
  const intervalMs = Math.ceil((windowMs * 1_000) / limit) / 1_000
  const arrived = passed.filter((each): each is Passage & { arrivedAt: number } => each.arrivedAt !== null)
  arrived.sort((a, b) => a.arrivedAt - b.arrivedAt)
  const found: string[] = []
  for (const { sentAt: from } of arrived) {
    let count = 0
    for (const { sentAt, arrivedAt: to } of arrived) {
      if (sentAt < from) continue
      count++
      const most = limit + Math.floor((to - from) / intervalMs)
      if (count > most) found.push(`${count} passed within ${(to - from).toFixed(1)} ms, where ${most} may`)
    }
    if (found.length > 0) return found.slice(0, 3)
  }
  const began = arrived[0]?.arrivedAt ?? Number.POSITIVE_INFINITY
  for (const { sentAt, doneAt } of refused) {
    const count = sum(passed, (each) => (each.sentAt <= doneAt ? each.counted : 0))
    // Refused is who would be more than the burst ahead; two for the rounding of an interval on each side.
    const least = limit - 2 + Math.floor((sentAt - began) / intervalMs)
    if (count < least)
      found.push(
        `refused ${(sentAt - began).toFixed(1)} ms after the first, when only ${count} of ${least} may have passed`,
      )
  }
  return found.slice(0, 3)
}

/** Never more than `limit` at once, and nobody refused while there were fewer. */
export function concurrencyViolations({ passed, refused }: Witnesses, limit: number): string[] {
  const found: string[] = []
  for (const { arrivedAt: at } of passed) {
    if (at === null) continue
    const count = passed.filter((each) => isBusy(each, at)).length
    if (count > limit) found.push(`${count} were in flight at once, where ${limit} may`)
  }
  for (const { sentAt, doneAt } of refused) {
    const count = passed.filter((each) => each.sentAt <= doneAt && each.overAt >= sentAt).length
    if (count < limit) found.push(`refused while at most ${count} of ${limit} were in flight`)
  }
  return found.slice(0, 3)
}

/** Amounts: what was settled and what is held in flight stays within the limit, and nobody is refused who had room. */
export function amountViolations(
  { passed, refused }: Witnesses,
  { limit, perMs, largest }: { readonly limit: number; readonly perMs: number; readonly largest: number },
): string[] {
  const found: string[] = []
  const began = Math.min(...passed.map(({ sentAt }) => sentAt))
  for (const { arrivedAt: at } of passed) {
    if (at === null) continue
    const held = sum(passed, (each) => {
      const arrivedAt = each.isSingle ? each.arrivedAt : each.allArrivedAt
      if (arrivedAt === null || arrivedAt > at) return 0
      return isBusy(each, at) && each.isSingle ? each.reserved : Math.min(each.settled, each.reserved)
    })
    const most = limit + Math.ceil((at - began) * perMs)
    if (held > most) found.push(`${held} were used and held, where ${most} may be`)
  }
  const first = Math.min(...passed.map(({ arrivedAt }) => arrivedAt ?? Number.POSITIVE_INFINITY))
  for (const { sentAt, doneAt } of refused) {
    const held = sum(passed, (each) => {
      if (each.sentAt > doneAt) return 0
      return each.overAt < sentAt ? each.settled : Math.max(each.reserved, each.settled)
    })
    const room = limit + Math.floor(Math.max(0, sentAt - first) * perMs) - held
    if (room >= largest) found.push(`refused with room for ${room}, where none needs more than ${largest}`)
  }
  return found.slice(0, 3)
}

function isBusy({ arrivedAt, busyUntil }: Passage, at: number): boolean {
  return arrivedAt !== null && busyUntil !== null && arrivedAt <= at && busyUntil > at
}

function sum<T>(list: readonly T[], of: (each: T) => number): number {
  return list.reduce((total, each) => total + of(each), 0)
}
