// Generated from the schema by `npm run gen`: a start without a file needs no schema library, which weighs 15 MB.
import { freezeDeep } from './freeze.ts'
import type { ConfigDocument } from './schema.ts'

const DEFAULTS: ConfigDocument = {
  listen: {
    host: '127.0.0.1',
    port: 8_080,
  },
  listeners: {},
  trusted_proxies: [],
  trusted_headers: ['x-forwarded-for', 'x-forwarded-proto'],
  control: {
    listen: {
      host: '127.0.0.1',
      port: 8_081,
    },
    allow_public: false,
    admins: [],
  },
  data_dir: '.ferro',
  workers: 'auto',
  providers: {},
  models: {},
  routing: {
    retry: {
      attempts: 4,
      attempts_per_target: 2,
      within: 60_000,
      backoff: 250,
      max_backoff: 5_000,
      budget_share: 0.2,
      budget_per_second: 1,
    },
    breaker: {
      consecutive_failures: 5,
      failure_share: 0.5,
      minimum_volume: 20,
      window: 30_000,
      open: 15_000,
      probes: 1,
    },
    on_refusal: 'stop',
  },
  translation: {
    on_loss: 'allow',
    on_unsupported: 'warn',
    cache_marks: 'off',
    fetch_media: {
      enabled: false,
      max_items: 8,
      max_bytes: 10_485_760,
      timeout: 10_000,
      types: ['image/*', 'application/pdf'],
    },
  },
  answers: {
    heartbeat: 15_000,
    cost: 'asked',
  },
  catalogue: {
    unpriced: 'allow',
  },
  aliases: {},
  files: {
    bind_keys: true,
  },
  realtime: {
    idle: 300_000,
    total: 3_600_000,
    reserve_tokens: 20_000,
  },
  unread_usage: {
    first_look: 300_000,
    longest_pause: 21_600_000,
  },
  passthrough: {
    enabled: true,
    providers: [],
  },
  upstreams: {},
  routes: [],
  organizations: [],
  teams: [],
  projects: [],
  users: [],
  gateway: {
    models: {
      deny: [],
    },
    limits: {},
    budgets: [],
    rules: [],
  },
  identity: {
    jwt: [],
  },
  policies: [],
  keys: [],
  limits: {
    body: 33_554_432,
    connections: 10_000,
    connections_per_address: 5_000,
    header_timeout: 10_000,
    body_idle: 30_000,
    body_total: 300_000,
    answer_idle: 60_000,
    head: 16_384,
    line: 8_192,
    headers: 100,
    keep_alive: 75_000,
  },
  timeouts: {
    connect: 5_000,
    first_byte: 300_000,
    first_byte_stream: 30_000,
    idle: 60_000,
    total: 1_800_000,
  },
  egress: {
    rules: [],
    dns: 'system',
  },
  overload: {
    shed: 'on',
    strained: {
      lag: 250,
      heap: 0.85,
    },
    overloaded: {
      lag: 500,
      heap: 0.92,
    },
  },
  reservation: {
    bytes_per_token: 1,
    output_tokens: 4_096,
    web_searches: 5,
    unknown_input: 'nothing',
  },
  journal: {
    sync: 'interval',
    interval: 20,
    max_bytes: 1_073_741_824,
  },
  storage: {
    usage_rows: 10_000,
  },
  content: {
    responses: 'on',
    seals: 'on',
    ttl: 604_800_000,
    max_bytes: 1_073_741_824,
  },
  log: {
    level: 'info',
    access: {
      output: 'stdout',
      format: 'json',
      level: 'info',
      sample: 1,
    },
  },
  drain: {
    lag: 'auto',
    grace: 30_000,
  },
  process: {
    stall_timeout: 5_000,
    worker_memory: 536_870_912,
  },
}

/** The document of a start without a file: every default, and no providers, models or keys. Frozen. */
export function defaultDocument(): ConfigDocument {
  return freezeDeep(structuredClone(DEFAULTS))
}
