import { setTimeout as delay } from 'node:timers/promises'

/** How long and how often {@link eventually} looks, in milliseconds, and what it waits for (named in the error). */
export interface Patience {
  readonly deadlineMs?: number
  readonly everyMs?: number
  readonly what?: string
}

const SHORTEST_PAUSE_MS = 5
const LONGEST_PAUSE_MS = 40

/**
 * Polls until the probe gives something other than `false`, `null` or `undefined`, and returns that. Without `everyMs` it looks every 5 ms
 * at first, and less often the longer it takes: many a probe reads a whole database. Throws an error naming what was awaited when the
 * deadline (15 s) has passed.
 */
export async function eventually<T>(
  probe: () => T | Promise<T>,
  { deadlineMs = 15_000, everyMs, what = 'the condition' }: Patience = {},
): Promise<Exclude<T, false | null | undefined>> {
  const began = performance.now()
  const end = began + deadlineMs
  for (;;) {
    const value = await probe()
    if (value !== false && value !== null && value !== undefined) {
      // `false`, `null` and `undefined` were ruled out one line above, which the compiler cannot carry into a generic.
      return value as Exclude<T, false | null | undefined>
    }
    const now = performance.now()
    if (now > end) throw new Error(`gave up after ${deadlineMs} ms waiting for ${what}`)
    await delay(everyMs ?? Math.min(LONGEST_PAUSE_MS, SHORTEST_PAUSE_MS + (now - began) / 25))
  }
}

/** The result of `work`, or an error naming `what` when it takes longer than `deadlineMs`; `work` is not stopped. */
export async function within<T>(work: Promise<T>, deadlineMs: number, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`${what} took longer than ${deadlineMs} ms`))
    }, deadlineMs)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}
