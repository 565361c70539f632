/*
 * The rows of the catalogue of reliability that the gateway is measured by, in the groups that concern HTTP, limits, streams,
 * upstreams, reloads and drains. A row is shown by tests whose names begin with it (`H1`, or `F5 F17` for two). What no test
 * name can say stands here: which rows are shown in a smaller way than they ask, which do not apply, and which ask for
 * more than `npm test` has time for.
 */

export interface Group {
  readonly letter: string
  readonly title: string
  readonly rows: number
}

export const GROUPS: readonly Group[] = [
  { letter: 'H', title: 'HTTP parsing and smuggling', rows: 30 },
  { letter: 'U', title: 'URLs and authorisation of routes', rows: 8 },
  { letter: 'L', title: 'Limits, slow attacks, overload', rows: 18 },
  { letter: 'S', title: 'Streaming, back-pressure, cancellation', rows: 17 },
  { letter: 'F', title: 'Faults of upstreams', rows: 26 },
  { letter: 'R', title: 'Retries and circuit breakers', rows: 10 },
  { letter: 'G', title: 'Configuration and reload', rows: 10 },
  { letter: 'D', title: 'Drain and shutdown', rows: 9 },
]

export const ROWS: readonly string[] = GROUPS.flatMap(({ letter, rows }) =>
  Array.from({ length: rows }, (_, at) => `${letter}${at + 1}`),
)

/** Times what `npm test` does: the full counts. */
export const SCALES: Readonly<Record<string, number>> = {
  L1: 7,
  S6: 5,
  S7: 4,
  S10: 20,
  S14: 5,
  H29: 50,
  R1: 12,
}

/** Rows about buffers, run where the kernel's own are 64 KiB at most. */
export const WITH_SMALL_BUFFERS: ReadonlySet<string> = new Set(['S6', 'S7'])

/** Rows whose tests show less than the row asks, and what is missing. */
export const NARROWED: Readonly<Record<string, string>> = {
  S5: 'an event may be 32 MiB and not 1 MiB, since pictures come in one',
  L8: 'the bound of 150 ms is for a machine whose clients are elsewhere; the test’s is 500 ms',
  L2: 'one byte every ten seconds is no silence: such a body ends at limits.body_total (300 s), not at limits.body_idle (30 s)',
}

/** Rows that do not apply, and why. */
export const DO_NOT_APPLY: Readonly<Record<string, string>> = {
  L11: 'keys have no cap of concurrent requests',
  L12: 'keys have no cap of concurrent requests',
  S13: 'the end of a client’s side is a cancel, by design (docs/decisions/0003-http-edge.md)',
  F26: 'no MCP upstreams',
  R10: 'no answers are kept for an Idempotency-Key',
  G6: 'a start takes the file that stands there or fails, by design (docs/operations.md)',
  G7: 'the configuration has no admin API',
  G8: 'the configuration has no admin API, so no versions to go back to',
  G9: 'instances do not share a configuration',
  D9: 'the admin API drains nothing, and there are no MCP children',
}
