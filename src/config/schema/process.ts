/** Sections about the process itself: listening, limits, journal, log, shutdown. */
import * as z from 'zod'
import { accessLog } from './access-log.ts'
import { admin } from './admins.ts'
import { duration, listenAddress, positiveDuration, size } from './scalars.ts'
import { referenceText } from './texts.ts'

const between = (lowest: number, highest: number, help: string) =>
  [(value: number): boolean => value >= lowest && value <= highest, { error: help }] as const

/** The control listener: health, metrics, admin API. */
export const control = z.strictObject({
  listen: listenAddress.prefault('127.0.0.1:8081').describe('Address of the control listener.'),
  allow_public: z
    .boolean()
    .default(false)
    .describe('Must be `true` for a control listener that other machines can reach.'),
  admins: z
    .array(admin)
    .max(1_000)
    .prefault([])
    .describe('Who may use the admin API beside the holder of the admin token, and how far.'),
})

/** How many data workers serve. */
export const workers = z.union([z.literal('auto'), z.int().min(1).max(64)], {
  error: 'expected `auto` or a whole number from 1 to 64',
})

/** What one client may cost the gateway before its request is understood. */
export const limits = z.strictObject({
  body: size
    .refine(...between(1024, 2 ** 30, 'must be from 1KiB to 1GiB'))
    .prefault('32MiB')
    .describe('Largest request body.'),
  connections: z.int().min(1).max(1_000_000).prefault(10_000).describe('Client connections of one data worker.'),
  connections_per_address: z
    .int()
    .min(1)
    .max(1_000_000)
    .prefault(5_000)
    .describe('Client connections from one address (of IPv6: one /64 network), over all data workers.'),
  header_timeout: positiveDuration.prefault('10s').describe('Until the head of a request is complete.'),
  body_idle: positiveDuration.prefault('30s').describe('Between two pieces of a request body.'),
  body_total: positiveDuration
    .prefault('300s')
    .describe('Until a request body is complete, without the time in which the server takes none of it.'),
  answer_idle: positiveDuration
    .prefault('60s')
    .describe('How long a client may take nothing of an answer that waits for it.'),
  head: size
    .refine(...between(4 * 1024, 128 * 1024, 'must be from 4KiB to 128KiB'))
    .prefault('16KiB')
    .describe('Largest head of a request: its line and headers together.'),
  line: size
    .refine(...between(1024, 32 * 1024, 'must be from 1KiB to 32KiB'))
    .prefault('8KiB')
    .describe('Longest target of a request, and longest value of a header.'),
  headers: z.int().min(10).max(1_000).prefault(100).describe('Headers of a request.'),
  keep_alive: positiveDuration.prefault('75s').describe('How long an idle client connection is kept.'),
})

/** What a request is assumed to use until the provider says what it used. */
export const reservation = z.strictObject({
  bytes_per_token: z
    .number()
    .min(1)
    .max(16)
    .prefault(1)
    .describe('Bytes of request body that count as one input token; 1 never reserves too little.'),
  output_tokens: z
    .int()
    .min(1)
    .max(100_000_000)
    .prefault(4096)
    .describe('Output tokens reserved for a request that names no maximum.'),
  web_searches: z
    .int()
    .min(0)
    .max(1_000)
    .prefault(5)
    .describe("Searches of the provider's own that are reserved for a request that may search and names no maximum."),
  unknown_input: z
    .enum(['nothing', 'context_window'])
    .default('nothing')
    .describe(
      'What is reserved for input that lies at the provider and whose size nobody here knows; `context_window`: all that the model takes.',
    ),
})

/** What is kept of conversations, apart from records: for clients that ask for it again. */
export const content = z.strictObject({
  responses: z
    .enum(['on', 'off'])
    .default('on')
    .describe(
      '`on`: answers of `/v1/responses` whose upstream keeps none are kept, encrypted, unless a request says `store: false`.',
    ),
  seals: z
    .enum(['on', 'off'])
    .default('on')
    .describe(
      '`on`: what a vendor signed or encrypted beside calls of tools is kept, encrypted, for clients of chat completions that do not send it back.',
    ),
  ttl: positiveDuration.prefault('7d').describe('How long they are kept.'),
  max_bytes: size.prefault('1GiB').describe('How much is kept at most; the oldest goes first.'),
})

/** The journal: what was reserved and settled, before the database has it. */
export const journal = z.strictObject({
  sync: z
    .enum(['interval', 'always'])
    .default('interval')
    .describe(
      '`interval`: a power cut may lose `interval`; `always`: nothing, at the cost of a disk sync per dispatch.',
    ),
  interval: positiveDuration
    .refine(...between(1, 10_000, 'must be from 1ms to 10s'))
    .prefault('20ms')
    .describe('Time between two disk syncs.'),
  max_bytes: size
    .refine(...between(2 ** 20, Number.MAX_SAFE_INTEGER, 'must be at least 1MiB'))
    .prefault('1GiB')
    .describe('Disk that segments not yet in the database may take; the gateway is not ready beyond it.'),
})

/** Where records and ledger end up. */
export const storage = z.strictObject({
  url: referenceText
    .refine((text) => /^(?:sqlite:.|postgres(?:ql)?:\/\/.|file:|\$?\{)/.test(text), {
      error: 'expected `sqlite:` and the path of a file, or `postgres://user:password@host/database`',
    })
    .optional()
    .describe('`sqlite:path`, or `postgres://user:password@host:port/database`; absent: `ferro.db` in `data_dir`.'),
  retention_days: z
    .int()
    .min(1)
    .max(36_500)
    .optional()
    .describe('Days that records of requests are kept, with their ledger; sums of usage stay. Absent: for ever.'),
  usage_rows: z
    .int()
    .min(0)
    .max(1_000_000)
    .default(10_000)
    .describe(
      'Sums of usage of a day that keep run, session, end user and tags when records are removed; more of them count as `(other)`. `0`: none.',
    ),
})

const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const

/** The operational log and the access log. */
export const log = z.strictObject({
  level: z.enum(LOG_LEVELS).default('info').describe('Least severe message of the operational log (on stderr).'),
  access: accessLog.prefault({}).describe('One line per request.'),
})

/** What happens between SIGTERM and the end. */
export const drain = z.strictObject({
  lag: z
    .union([z.literal('auto'), duration], { error: 'expected `auto` or a duration, such as `5s`' })
    .prefault('auto')
    .describe('How long to stay open while not ready; `auto`: `0s` when listening on loopback, else `5s`.'),
  grace: duration.prefault('30s').describe('How long running requests may take to finish.'),
})

/** The watch over data workers. */
export const processSection = z.strictObject({
  stall_timeout: positiveDuration
    .refine(...between(100, 600_000, 'must be from 100ms to 10m'))
    .prefault('5s')
    .describe('A data worker whose event loop stands still for longer is replaced.'),
  worker_memory: size
    .refine(...between(64 * 2 ** 20, 64 * 2 ** 30, 'must be from 64MiB to 64GiB'))
    .prefault('512MiB')
    .describe('JavaScript heap of one data worker.'),
})
