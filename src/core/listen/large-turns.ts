/** Bodies that are longer are looked at one in a turn: that takes milliseconds for each megabyte. */
export const LARGE_BYTES = 1_048_576

const waiting: (() => void)[] = []
let at = 0

/** Calls `next` in a turn of the event loop in which no other large body is looked at, so that small requests come between. */
export function inLargeTurn(next: () => void): void {
  waiting.push(next)
  if (waiting.length === 1) setImmediate(turn)
}

function turn(): void {
  const next = waiting[at++]
  if (at < waiting.length) setImmediate(turn)
  else {
    waiting.length = 0
    at = 0
  }
  next?.()
}
