/** Runs one body some times; several runs, the fastest of which counts: on a shared machine noise only ever adds. */
const RUNS = 7

/** Measures and prints the fastest run's microseconds per call. `sink` keeps the results in use. */
export function measure(name: string, calls: number, body: () => unknown): number {
  let bestNs = Number.POSITIVE_INFINITY
  let sink: unknown
  for (let run = 0; run < RUNS; run++) {
    const start = process.hrtime.bigint()
    for (let call = 0; call < calls; call++) sink = body()
    bestNs = Math.min(bestNs, Number(process.hrtime.bigint() - start))
  }
  const us = bestNs / calls / 1000
  console.log(`${name.padEnd(56)} ${us.toFixed(3).padStart(10)} µs`)
  if (sink === measure) throw new Error('a body must not return the harness')
  return us
}
