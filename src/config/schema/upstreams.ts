import * as z from 'zod'
import { positiveDuration, size, statusRange } from './scalars.ts'
import { headerName, plainText } from './texts.ts'

const TARGET_HELP = 'expected `http://host:port`, `https://host:port` or `unix:/path`, without a path behind the host'

const targetUrl = z
  .string({ error: TARGET_HELP })
  .refine(isTargetUrl, { error: TARGET_HELP })
  .meta({ id: 'target-url', description: '`http://host:port`, `https://host:port` or `unix:/path`.' })

function isTargetUrl(text: string): boolean {
  if (text.startsWith('unix:/')) return text.length > 'unix:/'.length
  const url = URL.parse(text)
  if (url === null || !['http:', 'https:'].includes(url.protocol) || url.host === '') return false
  return url.pathname === '/' && url.search === '' && url.hash === '' && url.username === '' && url.password === ''
}

const target = z.union([
  targetUrl.transform((url) => ({ url, weight: 1 })),
  z.strictObject({
    url: targetUrl.describe('Where the server is.'),
    weight: z.int().min(1).max(1000).default(1).describe('Share of the requests, relative to the other targets.'),
  }),
])

const KEYED_BY = /^(?:address|(?:header|cookie):[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128})$/

const balance = z
  .strictObject({
    policy: z
      .enum(['round_robin', 'least_connections', 'consistent_hash', 'random_of_two'])
      .default('round_robin')
      .describe('How a target is chosen among the available ones.'),
    by: z
      .string()
      .regex(KEYED_BY, { error: 'expected `address`, `header:name` or `cookie:name`' })
      .optional()
      .describe('What keeps a client on one target, for `consistent_hash`: `address`, `header:name`, `cookie:name`.'),
    panic_below: z
      .union([z.literal('never'), z.number().min(0).max(1)], { error: 'expected a share from 0 to 1, or `never`' })
      .prefault(0)
      .describe(
        'Below this share of healthy targets, or with none, health is ignored and all are used; `never`: refuse.',
      ),
  })
  .refine(({ policy, by }) => policy !== 'consistent_hash' || by !== undefined, {
    error: '`consistent_hash` needs `by`',
    path: ['by'],
  })

const HOST_HELP = 'expected `target`, `client`, or a host such as `app.example.com` or `app.example.com:8443`'
const hostText = z
  .string({ error: HOST_HELP })
  .regex(/^(?:[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::\d{1,5})?$/, {
    error: HOST_HELP,
  })

const health = z.strictObject({
  path: z.string().startsWith('/', { error: 'a path begins with `/`' }).max(1024).describe('What is asked for.'),
  method: z.enum(['GET', 'HEAD', 'OPTIONS']).default('GET').describe('How it is asked for.'),
  host: hostText
    .optional()
    .describe("Host of the check; absent: the pool's `host` when that is a name, else the target's."),
  headers: z.record(headerName, plainText).prefault({}).describe('Headers of the check.'),
  port: z.int().min(1).max(65_535).optional().describe('Port that is asked; absent: the one of the target.'),
  interval: positiveDuration.prefault('10s').describe('Time between two checks of a target.'),
  timeout: positiveDuration.prefault('5s').describe('How long a check may take.'),
  status: z.array(statusRange).min(1).max(100).prefault(['2xx']).describe('Statuses of a healthy answer.'),
  body: plainText.optional().describe('Text that the first 64 KiB of a healthy answer hold.'),
  healthy: z.int().min(1).max(100).prefault(2).describe('Checks in a row until a target is healthy again.'),
  unhealthy: z.int().min(1).max(100).prefault(3).describe('Checks in a row until a target is unhealthy.'),
})

const ejection = z.strictObject({
  failures: z.int().min(0).max(1000).prefault(5).describe('Failures in a row that eject a target; 0: never.'),
  base: positiveDuration
    .prefault('30s')
    .describe('Length of the first ejection; the n-th in a row lasts n times as long.'),
  max: positiveDuration.prefault('300s').describe('Longest ejection.'),
  max_share: z.number().min(0).max(1).prefault(0.5).describe('Share of the targets that may be ejected at once.'),
  on: z
    .array(statusRange)
    .max(50)
    .prefault([502, 503, 504])
    .describe('Statuses that count as failures, beside connections that fail and deadlines.'),
})

const tls = z.strictObject({
  ca: plainText.optional().describe('PEM file with the authorities to trust; absent: those that Node trusts.'),
  cert: plainText.optional().describe('PEM file with the client certificate.'),
  key: plainText.optional().describe("PEM file with the client certificate's key."),
  server_name: plainText.optional().describe('Name that the certificate must have, and that is asked for (SNI).'),
  min_version: z.enum(['1.2', '1.3']).default('1.2').describe('Oldest version of TLS that is spoken.'),
})

/** A pool of servers behind routes. */
export const upstream = z.strictObject({
  targets: z.array(target).min(1, { error: 'a pool needs a target' }).max(1000).describe('The servers.'),
  dns_refresh: positiveDuration
    .optional()
    .describe('Every address of a name is a target of its own, looked up anew after this time; absent: one per name.'),
  balance: balance.prefault({}).describe('How a target is chosen.'),
  http: z.enum(['1.1', '2']).default('1.1').describe('`2`: HTTP/2, over TLS or, for `http://`, with prior knowledge.'),
  host: hostText
    .prefault('target')
    .describe('Which Host the server sees: its own (`target`), the one that the client named (`client`), or this one.'),
  max_connections: z.int().min(1).max(65_535).prefault(1024).describe('Connections per target and data worker.'),
  max_pending: z.int().min(0).max(65_535).prefault(1024).describe('Requests that may wait for a connection.'),
  pending_timeout: positiveDuration
    .prefault('10s')
    .describe('Longest wait for a free connection; then 503, which says nothing about the server.'),
  max_requests: z
    .int()
    .min(1)
    .max(1_000_000)
    .optional()
    .describe(
      'Requests in flight to one target, over all data workers; beyond it the next target, else 503. Absent: unbounded.',
    ),
  max_head: size
    .refine((bytes) => bytes >= 4096 && bytes <= 262_144, { error: 'must be from 4KiB to 256KiB' })
    .optional()
    .describe('Largest head of an answer; absent: 15KiB, and 64KiB with `http: "2"`.'),
  max_response: size.optional().describe('Largest answer body; absent: unbounded.'),
  tls: tls.prefault({}).describe('For `https://` targets. Certificates are always verified.'),
  health: health.optional().describe('Active health checks; absent: none.'),
  ejection: ejection.prefault({}).describe('Passive health: targets that fail are left alone for a while.'),
})
