import * as z from 'zod'
import { clientCertificate } from './client-certificate.ts'
import { listOf } from './lists.ts'
import { duration, positiveDuration, size, statusRange } from './scalars.ts'
import { scope } from './scope.ts'
import { headerName, name, networkText, plainText, templateText } from './texts.ts'
import { hasOneKeySet, ONE_KEY_SET, tokenClaims, tokenIssuer, tokenScopes } from './tokens.ts'

const pathText = z.string().startsWith('/', { error: 'a path begins with `/`' }).max(1024)
const regexText = z.string().min(1).max(1024)

const path = z
  .union(
    [
      pathText,
      z.strictObject({ exact: pathText.describe('This path and no other.') }),
      z.strictObject({ prefix: pathText.describe('This path and everything beneath.') }),
      z.strictObject({ glob: pathText.describe('`*` within a segment, `**` across segments.') }),
      z.strictObject({ regex: regexText.describe('RE2 syntax; the whole path must match.') }),
    ],
    { error: 'expected a path, or one of `exact`, `prefix`, `glob`, `regex`' },
  )
  .meta({
    id: 'path-pattern',
    description: 'A path: exact, or with `*` (`/api/*`: everything beneath); or one kind by name.',
  })

const quantifier = z.enum(['any', 'every']).default('any').describe('Of several values: one, or every one.')

const condition = z
  .union(
    [
      z.boolean(),
      z.string().max(1024),
      z.strictObject({ exact: z.string().max(1024).describe('The whole value.'), values: quantifier }),
      z.strictObject({ prefix: z.string().max(1024).describe('How the value begins.'), values: quantifier }),
      z.strictObject({ glob: z.string().max(1024).describe('`*` stands for anything.'), values: quantifier }),
      z.strictObject({ regex: regexText.describe('RE2 syntax; the whole value must match.'), values: quantifier }),
    ],
    { error: 'expected a value, `true` (present), `false` (absent), or one of `exact`, `prefix`, `glob`, `regex`' },
  )
  .meta({
    id: 'value-condition',
    description: '`true`: present; `false`: absent; a text: exactly this, `*` stands for anything.',
  })

const method = z
  .string()
  .regex(/^[A-Z][A-Z-]{0,31}$/, { error: 'a method is written in capitals, such as `GET`' })
  .meta({ id: 'method', description: 'An HTTP method, in capitals.' })

const match = z.strictObject({
  listener: listOf(name).optional().describe('Names of listeners; the top-level `listen` is `main`.'),
  host: listOf(z.string().min(1).max(255)).optional().describe('`example.com` or `*.example.com`.'),
  path: listOf(path).optional().describe('Paths; absent: every path.'),
  method: listOf(method).optional().describe('Methods; absent: all.'),
  header: z.record(headerName, condition).optional().describe('Headers that all must hold.'),
  query: z.record(z.string().min(1).max(256), condition).optional().describe('Query parameters that all must hold.'),
  client: listOf(networkText).optional().describe('Addresses and networks of clients.'),
  client_certificate: z
    .union([z.boolean(), clientCertificate], {
      error: 'expected `true` (shown), `false` (not shown), or `subject`, `names`, `fingerprint`',
    })
    .optional()
    .describe('Certificate that the client has shown in its TLS handshake; `true`: any that the listener accepts.'),
})

const headerEdits = z.strictObject({
  set: z.record(headerName, templateText).prefault({}).describe('Replaces; placeholders such as `{client.address}`.'),
  add: z.record(headerName, templateText).prefault({}).describe('Adds a line beside those that are there.'),
  remove: z.array(headerName).prefault([]).describe('Takes away.'),
})

const rewrite = z
  .strictObject({
    strip_prefix: pathText.optional().describe('Taken off the front of the path, by whole segments.'),
    add_prefix: pathText.optional().describe('Put in front of the path.'),
    path: pathText
      .regex(/^[^?#]*$/, { error: 'a path without `?` and `#`; `query` says the query' })
      .optional()
      .describe('The new path; placeholders `{path.rest}`, `{path.1}`, `{path.name}`.'),
    query: z
      .string()
      .max(2048)
      .regex(/^[!"$->@-~][!"$-~]*$|^$/, { error: 'a query of printable ASCII, without `?` in front, `#` and spaces' })
      .optional()
      .describe('The new query, with placeholders; empty: none; absent: as the client sent it.'),
    location: z
      .enum(['map', 'keep'])
      .default('map')
      .describe('`map`: a Location of the answer that leads to the target or to a path of it gets the prefixes back.'),
    cookie_path: z
      .enum(['map', 'keep'])
      .default('keep')
      .describe('`map`: the Path of a Set-Cookie of the answer gets the prefixes back.'),
    denied: z
      .enum(['refuse', 'forward'])
      .default('refuse')
      .describe(
        'New paths that another route guards (`respond` with 4xx, or `auth` before the same servers): 404, or `forward`.',
      ),
  })
  .refine((value) => value.path === undefined || (value.strip_prefix ?? value.add_prefix) === undefined, {
    error: '`path` stands alone; it says the whole path',
  })

const PASSWORD_HASH = /^scrypt:\d{1,2}:\d{1,3}:\d{1,3}:[A-Za-z0-9_-]{16,128}:[A-Za-z0-9_-]{32,128}$/

const auth = z
  .strictObject({
    keys: z
      .strictObject({
        scopes: z.array(scope).prefault([]).describe('Scopes that a key needs, all.'),
      })
      .optional()
      .describe('Virtual keys of this gateway.'),
    basic: z
      .strictObject({
        realm: plainText.prefault('ferro').describe('What the browser shows.'),
        users: z
          .record(
            z.string().regex(/^[^:\p{Cc}]{1,128}$/u, { error: 'a user name has no colon' }),
            z.string().regex(PASSWORD_HASH, { error: 'expected a hash, as `ferro hash-key --password` prints it' }),
          )
          .refine((users) => Object.keys(users).length > 0, { error: 'names no user' })
          .describe('Users and the hashes of their passwords.'),
      })
      .optional()
      .describe('User name and password (RFC 7617).'),
    jwt: z
      .strictObject({
        ...tokenIssuer,
        header: headerName.prefault('authorization').describe('Where the token is; `authorization`: behind `Bearer`.'),
        ...tokenClaims,
        scopes: tokenScopes,
      })
      .refine(hasOneKeySet, ONE_KEY_SET)
      .optional()
      .describe('JSON web tokens (RFC 7519).'),
    certificate: clientCertificate
      .optional()
      .describe('Client certificates of the TLS handshake; empty: any that the listener accepts.'),
    forward: z
      .strictObject({
        url: plainText.describe('Asked with GET before each request; 2xx lets it pass, all else is the answer.'),
        send: z
          .array(headerName)
          .prefault(['authorization', 'cookie'])
          .describe('Headers of the client that are sent along.'),
        copy: z.array(headerName).prefault([]).describe('Headers of the answer that are set on the request.'),
        timeout: positiveDuration.prefault('2s').describe('How long it may take; then 503.'),
      })
      .optional()
      .describe('Another service decides.'),
  })
  .refine((value) => Object.values(value).filter((part) => part !== undefined).length === 1, {
    error: 'exactly one of `keys`, `basic`, `jwt`, `certificate`, `forward`',
  })

const RATE_BY = /^(?:key|address|route|header:[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128})$/

const rateLimit = z.strictObject({
  by: z
    .string()
    .regex(RATE_BY, { error: 'expected `key`, `address`, `route` or `header:name`' })
    .describe('Who is counted: `key`, `address`, `route` (all together) or `header:name`.'),
  requests_per_minute: z.int().min(1).max(60_000_000).describe('Requests per minute.'),
  burst: z.int().min(1).max(60_000_000).optional().describe('Requests at once; absent: as `requests_per_minute`.'),
})

const cors = z
  .strictObject({
    origins: z.array(plainText).min(1).describe('`https://app.example.com`, `https://*.example.com`, or `*`.'),
    methods: z.array(method).prefault(['GET', 'HEAD', 'POST']).describe('Methods that a page may use.'),
    headers: z.array(headerName).prefault([]).describe('Headers that a page may send.'),
    expose: z.array(headerName).prefault([]).describe('Headers of the answer that a page may read.'),
    credentials: z.boolean().default(false).describe('Whether cookies and credentials are sent.'),
    max_age: duration.prefault('10m').describe('How long a browser keeps the permission.'),
  })
  .refine((value) => !value.credentials || !value.origins.includes('*'), {
    error: '`credentials` needs origins by name, not `*`',
    path: ['origins'],
  })

const ENCODINGS = ['zstd', 'br', 'gzip'] as const

const encode = z.strictObject({
  algorithms: z
    .array(z.enum(ENCODINGS))
    .min(1)
    .prefault([...ENCODINGS])
    .describe('In the order of preference.'),
  minimum: size.prefault('1KiB').describe('Smaller answers stay as they are.'),
  types: z
    .array(plainText)
    .min(1)
    .prefault(['text/*', 'application/json', 'application/javascript', 'application/xml', 'image/svg+xml'])
    .describe('Content types that are compressed; event streams never are.'),
})

const status = z.int().min(200).max(599)

const respond = z.strictObject({
  status: status.prefault(200).describe('Status of the answer.'),
  body: z.string().max(65_536).prefault('').describe('Body; placeholders may stand in it.'),
  content_type: plainText.prefault('text/plain; charset=utf-8').describe('Content-Type of the body.'),
})

const redirect = z.strictObject({
  to: templateText.min(1).describe('Location; placeholders such as `{host}`, `{path}`, `{query}`.'),
  status: z
    .union([z.literal(301), z.literal(302), z.literal(303), z.literal(307), z.literal(308)])
    .default(308)
    .describe('Status of the answer.'),
})

const files = z.strictObject({
  root: plainText.describe('Folder whose files are served.'),
  index: z.array(plainText).prefault(['index.html']).describe('Served for a folder.'),
  fallback: pathText.optional().describe('Served, with 200, for what does not exist (single-page applications).'),
  hidden: z.enum(['refuse', 'serve']).default('refuse').describe('Files and folders whose name begins with a dot.'),
  precompressed: z
    .boolean()
    .default(true)
    .describe('`name.zst`, `name.br`, `name.gz` are served instead, where taken.'),
  cache_control: plainText.optional().describe('Cache-Control of the files.'),
})

const retry = z.strictObject({
  attempts: z.int().min(1).max(10).prefault(4).describe('Attempts in all; 1: none is repeated.'),
  attempts_per_target: z.int().min(1).max(10).prefault(2).describe('Attempts on one target.'),
  on: z.array(status).max(50).prefault([502, 503, 504]).describe('Statuses that are not taken as an answer.'),
  unsafe: z
    .enum(['never', 'with_idempotency_key', 'always'])
    .default('never')
    .describe('Whether requests that are not idempotent are repeated when they may have been acted on.'),
  budget_share: z.number().min(0).max(1).prefault(0.2).describe('Retries per request, over all of the route.'),
  budget_per_second: z.number().min(0).max(10_000).prefault(10).describe('Retries per second that are always allowed.'),
  budget_burst: z
    .int()
    .min(1)
    .max(100_000)
    .prefault(1_000)
    .describe('Unused retries that are kept for the moment when a server dies with many requests in flight.'),
  backoff: positiveDuration.prefault('25ms').describe('First wait; doubled each time, chosen at random up to it.'),
  max_backoff: positiveDuration.prefault('1s').describe('Longest wait; a longer `Retry-After` ends the retries.'),
})

const breaker = z.strictObject({
  on: z
    .array(statusRange)
    .max(50)
    .prefault([502, 503, 504])
    .describe('Statuses that count as failures, beside connections that fail and deadlines.'),
  consecutive_failures: z
    .int()
    .min(0)
    .max(10_000)
    .prefault(5)
    .describe('Failures in a row that open it, when they are also `failure_share`, or no connection; 0: off.'),
  failure_share: z
    .number()
    .min(0)
    .max(1)
    .prefault(0.5)
    .describe('Share of failures in the window that opens it; 0: off.'),
  minimum_volume: z
    .int()
    .min(1)
    .max(1_000_000)
    .prefault(20)
    .describe('Attempts in the window before the share counts.'),
  window: positiveDuration.prefault('10s').describe('How far back the share looks.'),
  open: positiveDuration.prefault('15s').describe('How long it stays open before a probe.'),
  probes: z.int().min(1).max(15).prefault(1).describe('Probes at a time, over all workers.'),
})

const routeTimeouts = z.strictObject({
  connect: positiveDuration.prefault('5s').describe('Until the connection (with TLS) is there.'),
  first_byte: positiveDuration.prefault('60s').describe('From the request sent to the first byte of the answer.'),
  idle: positiveDuration.prefault('60s').describe('Between two pieces of a body; longest silence of a tunnel.'),
  total: positiveDuration.prefault('3600s').describe('From the start of the request to the end of the answer.'),
  body_total: positiveDuration
    .optional()
    .describe(
      'Until a request body is complete, without the time in which the server takes none of it; absent: `limits.body_total`.',
    ),
})

/** One rule: which requests, what they must pass, and who answers them. */
export const route = z
  .strictObject({
    id: name.describe('Names the route in records, metrics and messages; unique.'),
    match: match.prefault({}).describe('What a request must have; absent: every request.'),
    priority: z.int().min(-1000).max(1000).default(0).describe('Above the order by specificity; higher first.'),
    importance: z
      .enum(['low', 'normal', 'critical'])
      .default('normal')
      .describe('Who is refused first when a worker is overloaded.'),
    encoded_slash: z.enum(['refuse', 'allow']).default('refuse').describe('Whether the path may hold `%2F`.'),
    semicolon: z
      .enum(['refuse', 'allow'])
      .default('refuse')
      .describe(
        'Whether the path may hold `;`. Without what follows it up to the next slash it must be the same route.',
      ),
    encoded_percent: z
      .enum(['refuse', 'allow'])
      .default('refuse')
      .describe('Whether the path may hold `%25`; never before two hex digits.'),
    record: z
      .enum(['all', 'errors', 'none'])
      .default('all')
      .describe(
        'Requests that leave a record; `errors`: answers of 400 and above, and faults. Logs and metrics have all.',
      ),
    auth: auth.optional().describe('Who may; absent: everybody.'),
    rate_limits: z.array(rateLimit).max(8).prefault([]).describe('How fast; every one must hold.'),
    max_body: size.optional().describe('Largest request body; absent: `limits.body`.'),
    rewrite: rewrite.optional().describe('The path that the handler gets.'),
    request_headers: headerEdits.prefault({}).describe('Changes on the way to the upstream.'),
    response_headers: headerEdits.prefault({}).describe('Changes of every answer.'),
    cors: cors.optional().describe('Cross-origin requests of browsers.'),
    encode: z
      .union([z.literal(true).transform(() => encode.parse({})), encode])
      .optional()
      .describe('Compression; `true`: with its defaults.'),
    upgrade: z
      .array(z.string().regex(/^[a-z0-9./-]{1,64}$/))
      .prefault([])
      .describe('Protocols to switch to: `websocket`.'),
    upgrade_origins: z
      .array(plainText)
      .min(1)
      .max(1000)
      .optional()
      .describe(
        'Origins of pages that may do that; `same`: the host that they ask. Absent: those of `cors` and `same`; without `cors` all.',
      ),
    timeouts: routeTimeouts.prefault({}).describe('Deadlines of this route; the smallest that applies counts.'),
    retry: retry.prefault({}).describe('When a request is sent again.'),
    breaker: breaker.prefault({}).describe('When a target is left alone by this route.'),
    upstream: plainText.optional().describe('Handler: the pool of `upstreams` that answers.'),
    respond: respond.optional().describe('Handler: a fixed answer.'),
    redirect: redirect.optional().describe('Handler: another place.'),
    files: files.optional().describe('Handler: files of a folder.'),
  })
  .superRefine((value, context) => {
    const named = (['upstream', 'respond', 'redirect', 'files'] as const).filter((part) => value[part] !== undefined)
    if (named.length === 1) return
    const message = `a route has exactly one of \`upstream\`, \`respond\`, \`redirect\`, \`files\`${named.length === 0 ? '' : `, here are ${named.join(' and ')}`}`
    context.addIssue({ code: 'custom', message, input: value })
  })
