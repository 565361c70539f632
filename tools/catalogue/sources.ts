import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { findProvider, type ModelInfo } from '@pydantic/genai-prices'
import { PRICED_PROVIDERS } from './providers.ts'

/** A model of the second source: what it can do, and prices where the first has none. */
export interface CapabilityRow {
  readonly id: string
  readonly name: string
  readonly api: string
  readonly reasoning: boolean
  readonly input: readonly string[]
  readonly cost: {
    readonly input: number
    readonly output: number
    readonly cacheRead: number
    readonly cacheWrite: number
  }
  readonly contextWindow: number
  readonly maxTokens: number
}

export interface Source {
  readonly name: string
  readonly version: string
  readonly licence: string
}

/** Its data alone is used; its dependencies are a hundred packages, so that it is fetched when the data is refreshed. */
const CAPABILITIES = {
  name: '@mariozechner/pi-ai',
  version: '0.73.1',
  licence: 'MIT, Mario Zechner',
  sha512: 'Jh4lXawZYuC83HzSIYuVum9NBqJD49i4JOt3H96cGW/924cwJMOyUs1Mv/e4QPzTXnzrqMoGviNQnvGgSu1LSg==',
} as const

/** Models with prices, by the source's own name of their provider. */
export function pricedModels(): ReadonlyMap<string, readonly ModelInfo[]> {
  return new Map(PRICED_PROVIDERS.map(([id]) => [id, findProvider({ providerId: id })?.models ?? []]))
}

export function pricedSource(): Source {
  const manifest = new URL('../../node_modules/@pydantic/genai-prices/package.json', import.meta.url)
  // npm has read it: it has a version.
  const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }
  return { name: '@pydantic/genai-prices', version, licence: 'MIT, Pydantic Services Inc.' }
}

export const capabilitySource: Source = CAPABILITIES

/** Fetches the second source with npm, which runs nothing of it; one file of data is then read. */
export async function capabilityRows(): Promise<ReadonlyMap<string, readonly CapabilityRow[]>> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'ferro-catalogue-'))
  try {
    const { name, version, sha512 } = CAPABILITIES
    const packed = execFileSync('npm', ['pack', '--ignore-scripts', '--silent', `${name}@${version}`], { cwd: folder })
    const archive = path.join(folder, packed.toString().trim())
    const found = createHash('sha512').update(readFileSync(archive)).digest('base64')
    if (found !== sha512) throw new Error(`${name}@${version} has another hash than the one that was looked at`)
    execFileSync('tar', ['-xzf', archive, '-C', folder, 'package/dist/models.generated.js', 'package/package.json'])
    const module = pathToFileURL(path.join(folder, 'package/dist/models.generated.js')).href
    // The shape of this very file, whose hash is held above.
    const { MODELS } = (await import(module)) as { MODELS: Record<string, Record<string, CapabilityRow>> }
    return new Map(Object.entries(MODELS).map(([provider, models]) => [provider, Object.values(models)]))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
