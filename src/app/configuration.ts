import { createHash } from 'node:crypto'
import { type FSWatcher, readFileSync, watch } from 'node:fs'
import { basename, dirname, resolve } from 'node:path'
import { DEMO_PROVIDER, providerKinds, providersIn } from '../ai/index.ts'
import {
  type ConfigDocument,
  defaultDocument,
  documentFrom,
  type ListenAddress,
  loadConfig,
  renderErrors,
  unresolvedReferences,
} from '../config/index.ts'
import { StartError } from './start-error.ts'

/** What the command line says beside the file; it wins. */
export interface Overrides {
  readonly dataDir: string | null
  readonly workers: number | 'auto' | null
  readonly listen: ListenAddress | null
  readonly control: ListenAddress | null
}

/** Loads the document: from the file, or made from the environment when there is none. Throws StartError with all errors. */
export async function loadDocument(path: string | null, overrides: Overrides): Promise<ConfigDocument> {
  const document = path === null ? await documentWithoutFile() : await documentOf(path)
  const { control } = document
  return {
    ...document,
    ...(overrides.dataDir === null ? {} : { data_dir: overrides.dataDir }),
    ...(overrides.workers === null ? {} : { workers: overrides.workers }),
    ...(overrides.listen === null ? {} : { listen: overrides.listen }),
    ...(overrides.control === null ? {} : { control: { ...control, listen: overrides.control } }),
  }
}

async function documentOf(path: string): Promise<ConfigDocument> {
  const parsed = await loadConfig(path, { providerKinds, builtInProviders: [DEMO_PROVIDER] })
  if (!parsed.ok) {
    const count = parsed.errors.length
    throw new StartError(
      `${path} has ${count} ${count === 1 ? 'error' : 'errors'}.`,
      renderErrors(parsed.errors, parsed.text),
    )
  }
  const missing = await unresolvedReferences(parsed.document, {
    positions: parsed.positions,
    env: process.env,
    file: path,
  })
  if (missing.length > 0) {
    throw new StartError(`${path} refers to secrets that are not there.`, renderErrors(missing, parsed.text))
  }
  return parsed.document
}

/** A start without a file: providers whose keys are in the environment, each addressed as `provider/model`. */
async function documentWithoutFile(): Promise<ConfigDocument> {
  const providers = Object.fromEntries(
    providersIn(process.env).map((row) => [
      row.kind,
      { kind: row.kind, api_key: `\${${row.keyVariable}}`, direct: true },
    ]),
  )
  return Object.keys(providers).length === 0 ? defaultDocument() : await documentFrom({ providers })
}

/** Calls `changed` when the content of a file has changed; editors that replace the file are followed. */
export class ConfigWatch {
  readonly #path: string
  readonly #changed: () => void
  readonly #watcher: FSWatcher
  #digest: string
  #timer: NodeJS.Timeout | null = null

  constructor(path: string, changed: () => void) {
    this.#path = resolve(path)
    this.#changed = changed
    this.#digest = this.#read()
    // The folder, not the file: a replaced file is another inode.
    this.#watcher = watch(dirname(this.#path), (_event, name) => {
      if (name === null || name === basename(this.#path)) this.#soon()
    })
    this.#watcher.on('error', () => this.#watcher.close())
  }

  close(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#watcher.close()
  }

  /** Writers need a moment to finish; what counts is the content after it. */
  #soon(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = setTimeout(() => {
      const digest = this.#read()
      if (digest === this.#digest) return
      this.#digest = digest
      this.#changed()
    }, 100)
  }

  #read(): string {
    try {
      return createHash('sha256').update(readFileSync(this.#path)).digest('hex')
    } catch {
      return '' // gone or unreadable for now: loading it will say why
    }
  }
}
