import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { virtualKey } from './payload.ts'

/** Where a started gateway keeps its files and is reached. */
export type GatewayFiles = {
  readonly configuration: string
  readonly dataFolder: string
  readonly accessLog: string
}

/** Where a gateway listens, and the mock upstream behind it. */
export type GatewayPorts = { readonly data: number; readonly control: number; readonly upstream: number }

/** What a gateway publishes in its data folder once it is ready. */
export type GatewayInstance = { readonly processId: number; readonly dataUrl: string; readonly controlUrl: string }

/**
 * Writes a configuration with everything on: a key with a rate limit and a token budget too high to refuse anything,
 * prices, journal, access log of every request to a file, metrics.
 */
export const writeGatewayConfiguration = (folder: string, ports: GatewayPorts): GatewayFiles => {
  return writeConfiguration(
    folder,
    ports,
    `providers:
  mock:
    kind: openai-compatible
    base_url: http://127.0.0.1:${ports.upstream}/v1
    api_key: mock-key
    max_connections: 2048
models:
  gpt-4o:
    strategy: single
    targets:
      - { provider: mock, model: gpt-4o, prices: { input: 2.5, output: 10 } }
keys:
  - id: benchmark
    name: Benchmark
    hash: "sha256:${createHash('sha256').update(virtualKey).digest('hex')}"
    limits: { requests_per_minute: 60000000, burst: 60000000 }
    budgets: [{ tokens: 1000000000000000, per: month }]
`,
  )
}

/**
 * Writes a configuration without any AI: one route to a pool of one server. Retries, breaker, journal, metrics and the
 * access log of every request to a file are on.
 */
export const writePlainConfiguration = (folder: string, ports: GatewayPorts): GatewayFiles =>
  writeConfiguration(
    folder,
    ports,
    `upstreams:
  mock: { targets: ["http://127.0.0.1:${ports.upstream}"], max_connections: 2048 }
routes:
  - { id: app, match: { path: { prefix: / } }, upstream: mock, upgrade: [websocket] }
`,
  )

const writeConfiguration = (folder: string, ports: GatewayPorts, rest: string): GatewayFiles => {
  const dataFolder = join(folder, 'data')
  mkdirSync(dataFolder, { recursive: true })
  const accessLog = join(folder, 'access.log')
  const configuration = join(folder, 'ferro.yaml')
  writeFileSync(
    configuration,
    `listen: 127.0.0.1:${ports.data}
control: { listen: 127.0.0.1:${ports.control} }
log: { level: warn, access: { output: ${JSON.stringify(accessLog)}, level: info, sample: 1 } }
${rest}`,
  )
  return { configuration, dataFolder, accessLog }
}

/** Words that start a gateway with these files and one data worker. */
export const gatewayWords = (command: readonly string[], files: GatewayFiles): readonly string[] => [
  ...command,
  'run',
  '--config',
  files.configuration,
  '--data-dir',
  files.dataFolder,
  '--workers',
  '1',
]

/** The instance file of a gateway that is ready; null while there is none. */
export const readInstance = (files: GatewayFiles): GatewayInstance | null => {
  const path = join(files.dataFolder, 'instance.json')
  if (!existsSync(path)) return null
  try {
    // The gateway writes this file, whole or not at all.
    const value = JSON.parse(readFileSync(path, 'utf8')) as { pid: number; data: string; control: string }
    return { processId: value.pid, dataUrl: value.data, controlUrl: value.control }
  } catch {
    // Read in the middle of being written; the next poll sees it whole.
    return null
  }
}
