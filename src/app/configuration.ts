import { Worker } from 'node:worker_threads'
import { type ConfigDocument, isLoopback, type ListenAddress } from '../config/index.ts'
import { listenersOf } from './listeners.ts'
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
  checkFlags(merged, overrides)
  return { document: merged, exampleVariable }
}

/** What flags say is held to what a file may say. */
function checkFlags(document: ConfigDocument, { listen, control: flag }: Overrides): void {
  const { control } = document
  const shown = ({ host, port }: ListenAddress) => `${host.includes(':') ? `[${host}]` : host}:${port}`
  if (flag !== null && !isLoopback(flag.host) && !control.allow_public) {
    throw new StartError(
      `--control ${shown(flag)}: other machines could reach the control listener. ` +
        'Set `control.allow_public: true` in the configuration if that is meant.',
    )
  }
  if (flag === null && listen === null) return
  for (const { config } of listenersOf(document)) {
    const { host, port } = config.listen
    const wildcard = [host, control.listen.host].some((name) => name === '0.0.0.0' || name === '::')
    if (port === 0 || port !== control.listen.port || !(wildcard || host === control.listen.host)) continue
    throw new StartError(
      `${shown(config.listen)} and ${shown(control.listen)}: the data and the control listener need different addresses.`,
    )
  }
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
