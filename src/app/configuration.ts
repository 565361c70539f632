import { Worker } from 'node:worker_threads'
import type { ConfigDocument, ListenAddress } from '../config/index.ts'
import type { ConfigThreadStart } from './messages.ts'
import { StartError } from './start-error.ts'
import type { ConfigAnswer } from './threads/config-thread.ts'
import { THREAD_ENTRY } from './threads/location.ts'

type Loaded = Extract<ConfigAnswer, { ok: true }>

/** What the command line says beside the file; it wins. */
export interface Overrides {
  readonly dataDir: string | null
  readonly workers: number | 'auto' | null
  readonly listen: ListenAddress | null
  readonly control: ListenAddress | null
}

/** A document, and the name of a variable by which a provider would have been found, for the banner. */
export interface LoadedDocument {
  readonly document: ConfigDocument
  readonly exampleVariable: string
}

/** Loads the document: from the file, or made from the environment when there is none. Throws StartError with all errors. */
export async function loadDocument(path: string | null, overrides: Overrides): Promise<LoadedDocument> {
  const { document, exampleVariable } = await loadInThread(path)
  const { control } = document
  const merged = {
    ...document,
    ...(overrides.dataDir === null ? {} : { data_dir: overrides.dataDir }),
    ...(overrides.workers === null ? {} : { workers: overrides.workers }),
    ...(overrides.listen === null ? {} : { listen: overrides.listen }),
    ...(overrides.control === null ? {} : { control: { ...control, listen: overrides.control } }),
  }
  return { document: merged, exampleVariable }
}

/**
 * Runs the loading in a thread of its own, which ends with it: schema library and parsers take memory that is of no
 * use afterwards (about 11 MB), and time that the control thread has better use for.
 */
async function loadInThread(path: string | null): Promise<Loaded> {
  const start: ConfigThreadStart = { role: 'config', path }
  const thread = new Worker(THREAD_ENTRY, { name: 'ferro-config', workerData: start })
  return await new Promise<Loaded>((resolvePromise, reject) => {
    thread.once('message', (answer: ConfigAnswer) => {
      if (answer.ok) resolvePromise(answer)
      else reject(new StartError(answer.message, answer.details))
    })
    thread.once('error', reject)
    thread.once('exit', () => reject(new StartError('The configuration could not be loaded: its thread ended.')))
  })
}
