import { resolve } from 'node:path'
import type { ConfigDocument } from '../config/index.ts'
import { defaultDocument, findConfigFile, loadConfig, renderErrors, resolveReference } from '../config/index.ts'
import { Failure } from './failure.ts'

/** Where a gateway that is started with the same options keeps what it knows. */
export interface DataLocation {
  /** Absolute path. */
  readonly dataDir: string
  /** As storage takes it; null for the default in the data directory. */
  readonly databaseUrl: string | null
  /** What the gateway is started with. */
  readonly document: ConfigDocument
}

export interface LocationOptions {
  /** Absent: the file that `ferro run` would find; false: none. */
  readonly config?: string | false
  /** Wins over the configuration's. */
  readonly dataDir?: string
}

/** Finds the data of a gateway as `ferro run` would. Throws Failure when the configuration has errors. */
export async function locateData({ config, dataDir }: LocationOptions): Promise<DataLocation> {
  const file = config === false ? null : (config ?? findConfigFile('.'))
  const document = file === null ? defaultDocument() : await documentOf(file)
  const { url } = document.storage
  return {
    dataDir: resolve(dataDir ?? document.data_dir),
    databaseUrl: url === undefined ? null : databaseUrlOf(url),
    document,
  }
}

async function documentOf(file: string) {
  const result = await loadConfig(file)
  if (result.ok) return result.document
  const advice = 'it says where the data is: mend it, name another with --config, or leave it aside with --no-config'
  throw new Failure(`${file} cannot be used; ${advice}`, { details: renderErrors(result.errors, result.text) })
}

function databaseUrlOf(url: string): string {
  const resolved = resolveReference(url, process.env)
  if (!resolved.ok) throw new Failure(`storage.url of the configuration cannot be used: ${resolved.missing}`)
  return resolved.secret.reveal()
}
