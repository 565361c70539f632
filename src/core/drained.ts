import type { Exchange } from './exchange.ts'

/** The connection takes more of the answer: told to what stands between, else to the attempt. */
export function drained(x: Exchange): void {
  if (x.onDrain === null) x.attempt?.drained()
  else x.onDrain()
}
