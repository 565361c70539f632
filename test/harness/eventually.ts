import { setTimeout as delay } from 'node:timers/promises'

/** How long and how often {@link eventually} looks, in milliseconds, and what it waits for (named in the error). */
export interface Patience {
  readonly deadlineMs?: number
  readonly everyMs?: number
  readonly what?: string
}

/**
 * Polls until the probe gives something other than `false`, `null` or `undefined`, and returns that.
 * Throws an error naming what was awaited when the deadline (15 s) has passed.
 */
export async function eventually<T>(
  probe: () => T | Promise<T>,
  { deadlineMs = 15_000, everyMs = 5, what = 'the condition' }: Patience = {},
): Promise<Exclude<T, false | null | undefined>> {
  const end = performance.now() + deadlineMs
  for (;;) {
    const value = await probe()
    if (value !== false && value !== null && value !== undefined) {
      // `false`, `null` and `undefined` were ruled out one line above, which the compiler cannot carry into a generic.
      return value as Exclude<T, false | null | undefined>
    }
    if (performance.now() > end) throw new Error(`gave up after ${deadlineMs} ms waiting for ${what}`)
    await delay(everyMs)
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
