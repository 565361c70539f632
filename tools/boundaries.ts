/*
 * The walls of this repository, as data. A module imports only modules to its right, and only through their `index.ts`;
 * what the table does not name is forbidden. `tools/checks/boundaries.ts` holds the source against it.
 */

/** One row of a table of who may import a package. */
export interface ImportRow {
  /** A package's name, or a built-in module with its `node:`. */
  readonly name: string
  /** Only these of what it exports; without it, all. */
  readonly exports?: readonly string[]
  /** Paths, from the root, of the files that may import it: a folder ends in `/`, `*` stands for a part of a name. */
  readonly from: readonly string[]
  readonly reason: string
}

/** Every module of `src/`, from the one that knows all to the one that knows nothing. */
export const MODULES: readonly string[] = [
  'cli',
  'app',
  'control',
  'ai',
  'governance',
  'observability',
  'storage',
  'core',
  'config',
  'lib',
]

/** Files beside the `index.ts` through which a module may be imported from others. */
export const DOORS: readonly Pick<ImportRow, 'name' | 'from' | 'reason'>[] = [
  {
    name: 'src/ai/facts.ts',
    from: ['src/app/threads/config-thread.ts', 'src/cli/'],
    reason: 'who reads a configuration needs tables, and not the code that serves: 300 files of it',
  },
  {
    name: 'src/ai/words.ts',
    from: ['src/app/'],
    reason: 'the control thread reads records and shared memory by these words, and loads nothing that serves',
  },
]

/** Third-party packages in `src/`, and who may import them; a package without a row may be imported by nobody. */
export const PACKAGES: readonly ImportRow[] = [
  { name: 'zod', from: ['src/config/', 'src/**/schema.ts'], reason: 'schemas only; the request path uses none' },
  { name: 'yaml', from: ['src/config/'], reason: 'configuration text' },
  { name: 'smol-toml', from: ['src/config/'], reason: 'configuration text' },
  { name: 'toml-eslint-parser', from: ['src/config/'], reason: 'positions in configuration text' },
  { name: '@humanwhocodes/momoa', from: ['src/config/'], reason: 'configuration text' },
  { name: 're2js', from: ['src/core/match/'], reason: 'expressions of operators, which must not backtrack' },
  {
    name: 'jose',
    from: ['src/governance/auth/', 'src/ai/providers/auth/'],
    reason: 'tokens of other issuers, and ours for service accounts; nothing else',
  },
  { name: '@smithy/signature-v4', from: ['src/ai/providers/auth/'], reason: 'requests to AWS are signed' },
  { name: '@smithy/eventstream-codec', from: ['src/ai/translate/'], reason: 'frames of streams from AWS' },
  {
    name: 'gpt-tokenizer',
    from: ['src/ai/tokens/tokenizer-worker.ts'],
    reason: 'encodings weigh 40 MB each: only the thread that counts loads them',
  },
  {
    name: 'pg',
    from: ['src/storage/postgres/connection-thread.ts'],
    reason: 'PostgreSQL: only the thread that holds a connection loads it',
  },
  {
    name: 'ioredis',
    from: ['src/storage/redis/'],
    reason: 'counters that several gateways share, in the one thread that speaks to their store',
  },
  { name: 'commander', from: ['src/cli/'], reason: 'command line' },
]

const EGRESS = 'connections leave by one door, which judges where they go: the connector of src/core/connect/'

/**
 * Built-in modules that only some may import; one without a row is open to every module. Where a module has several
 * rows, all of them hold.
 */
export const BUILTINS: readonly ImportRow[] = [
  { name: 'node:sqlite', from: ['src/storage/'], reason: 'it is synchronous: only the database threads may wait' },
  {
    name: 'node:worker_threads',
    from: ['src/app/', 'src/storage/', 'src/ai/tokens/'],
    reason: 'threads are made in one place; the one that counts tokens by the module that needs it',
  },
  { name: 'node:child_process', from: ['src/app/', 'src/cli/'], reason: 'the data path starts no process' },
  { name: 'node:cluster', from: [], reason: 'data workers are threads that share memory' },
  { name: 'node:http', from: ['src/core/', 'src/control/'], reason: 'two listeners' },
  {
    name: 'node:http',
    exports: ['request', 'get', 'Agent', 'globalAgent', 'ClientRequest', 'WebSocket', 'EventSource'],
    from: [],
    reason: EGRESS,
  },
  { name: 'node:https', from: [], reason: EGRESS },
  {
    name: 'node:http2',
    from: ['src/core/http2/', 'src/core/upstream/', 'src/core/connect/'],
    reason: 'HTTP/2 is one of the protocols of the core, in front and behind',
  },
  { name: 'node:http2', exports: ['connect'], from: ['src/core/connect/'], reason: EGRESS },
  {
    name: 'node:net',
    from: ['src/core/', 'src/control/', 'src/app/', 'src/config/schema/'],
    reason: 'sockets belong to the listeners and to the upstream client',
  },
  {
    name: 'node:net',
    exports: ['connect', 'createConnection', 'Socket', 'Stream'],
    from: ['src/core/connect/'],
    reason: EGRESS,
  },
  {
    name: 'node:tls',
    from: ['src/core/connect/', 'src/core/listen/'],
    reason: 'one place decides which servers are trusted, one which certificates are served',
  },
  { name: 'node:tls', exports: ['connect', 'TLSSocket'], from: ['src/core/connect/'], reason: EGRESS },
  { name: 'node:dns', from: ['src/core/connect/'], reason: 'a name is resolved once, and its addresses are vetted' },
  { name: 'node:dgram', from: [], reason: 'nothing leaves in datagrams: no policy would see them' },
  { name: 'node:vm', from: [], reason: 'no code is made from text' },
]

/** What every file has without an import, and only some may name: each opens connections. */
export const GLOBALS: readonly ImportRow[] = [
  { name: 'fetch', from: ['src/cli/', 'src/**/testing/*'], reason: EGRESS },
  { name: 'WebSocket', from: [], reason: EGRESS },
  { name: 'EventSource', from: [], reason: EGRESS },
]

/** Built-in modules that `lib` may import: it is small, pure and knows no gateway. */
export const LIB_BUILTINS: readonly string[] = [
  'node:assert',
  'node:buffer',
  'node:crypto',
  'node:perf_hooks',
  'node:util',
]
