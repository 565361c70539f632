/*
 * The rows of the catalogue of reliability that the gateway is measured by, in the groups that concern HTTP, limits, streams,
 * upstreams, budgets, crashes, keys, reloads and drains. A row is shown by tests whose names begin with it (`H1`, or `F5 F17` for two). What no test
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
  { letter: 'B', title: 'Budgets, rate limits, concurrency', rows: 28 },
  { letter: 'C', title: 'Crash safety', rows: 12 },
  { letter: 'G', title: 'Configuration and reload', rows: 10 },
  { letter: 'D', title: 'Drain and shutdown', rows: 9 },
  { letter: 'A', title: 'Authentication and authorisation', rows: 20 },
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
  B1: 2.5,
  B7: 5,
  B14: 10,
  C1: 50,
  C2: 50,
}

/** Rows about buffers, run where the kernel's own are 64 KiB at most. */
export const WITH_SMALL_BUFFERS: ReadonlySet<string> = new Set(['S6', 'S7'])

/** Rows whose tests show less than the row asks, and what is missing. */
export const NARROWED: Readonly<Record<string, string>> = {
  S5: 'an event may be 32 MiB and not 1 MiB, since pictures come in one',
  B1: 'one round of 500 with each number of workers, and not twenty; npm run exact has the others',
  B2: 'one round of 500 and not fifty',
  B11: 'the store stands still and not down; the figures are those of B12',
  B12: 'one store that stands still, and a second and a half on a crowded machine',
  B15: 'FLUSHALL under load, and a restart; no SCRIPT FLUSH',
  B6: 'in one process: no replicas whose clocks differ',
  B9: 'a replica’s session ends, and its process does not die',
  B14: 'for six seconds, three replicas in one process; npm run rows has the minute',
  B18: 'for seconds, with the counters of one machine; npm run load:database has the minute',
  B23: 'no answers are kept, so that there is no hit to pay for',
  B24: 'minutes of it by npm run crash and npm run exact',
  B27: 'the bound of two seconds is for a machine that has nothing else to do; the test’s is six, and tells what it took',
  S17: 'frames are not looked at: pings and their times are between the client and its server, and so is the size of a frame',
  A4: 'what is in flight when a key ends goes on to its end, by design',
  A6: 'the admin API slows down who guesses, and routes by their limits; the models endpoints count refusals and slow nobody down',
  A7: 'in one process',
  A17: 'there is no switch for authentication or other origins; a key with a hash of the documentation is warned of, and not refused',
  A20: 'lines of what was done are written before it is in force, those of what was refused after; tokens that nobody has are not in it',
  A9: 'what a key made is found by that key alone, and what lies outside an admin’s level is not there for it; no MCP sessions, no cache',
  C4: 'a revocation holds all the same, and its line is written when the database takes it',
  C6: 'a folder of journals that is full, and a database that is; not both at once',
  C8: 'steps of a migration that fail instead of a kill, and programs that start at once; the kills are those of C5',
  C11: 'faults of the program’s own threads, since there are no hooks of others yet',
  C12: 'a start that fails says why and ends; how often it is tried again is its supervisor’s business',
  L12: 'the bound of twice has 20 ms on top, since the machine of a test is shared',
  L8: 'the bound of 150 ms is for a machine whose clients are elsewhere; the test’s is 500 ms',
  L2: 'one byte every ten seconds is no silence: such a body ends at limits.body_total (300 s), not at limits.body_idle (30 s)',
}

/** Rows that do not apply, and why. */
export const DO_NOT_APPLY: Readonly<Record<string, string>> = {
  B20: 'the gateway runs no loops of tools: each turn is a request of its client',
  C3: 'the configuration has no admin API: the file that stands there is the one that is in force after a restart',
  S13: 'the end of a client’s side is a cancel, by design (docs/decisions/0003-http-edge.md)',
  F26: 'no MCP upstreams',
  R10: 'no answers are kept for an Idempotency-Key',
  G6: 'a start takes the file that stands there or fails, by design (docs/operations.md)',
  G7: 'the configuration has no admin API',
  G8: 'the configuration has no admin API, so no versions to go back to',
  G9: 'instances do not share a configuration',
  D9: 'the admin API drains nothing, and there are no MCP children',
}
