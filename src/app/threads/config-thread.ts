import { parentPort } from 'node:worker_threads'
import { CONFIG_FACTS, PROVIDERS, providersIn } from '../../ai/index.ts'
import {
  type ConfigDocument,
  defaultDocument,
  documentFrom,
  loadConfig,
  renderErrors,
  unresolvedReferences,
} from '../../config/index.ts'
import type { ConfigThreadStart } from '../messages.ts'
import { StartError } from '../start-error.ts'

/** What the thread says, once. */
export type ConfigAnswer =
  | { readonly ok: true; readonly document: ConfigDocument; readonly exampleVariable: string }
  | { readonly ok: false; readonly message: string; readonly details: string | null }

/** Loads a configuration and ends. */
export async function runConfig({ path }: ConfigThreadStart): Promise<void> {
  parentPort?.postMessage(await answer(path))
}

async function answer(path: string | null): Promise<ConfigAnswer> {
  try {
    const document = path === null ? await documentWithoutFile() : await documentOf(path)
    const exampleVariable = PROVIDERS.find(({ keyVariable }) => keyVariable !== null)?.keyVariable ?? ''
    return { ok: true, document, exampleVariable }
  } catch (error) {
    if (error instanceof StartError) return { ok: false, message: error.message, details: error.details }
    throw error
  }
}

async function documentOf(path: string): Promise<ConfigDocument> {
  const parsed = await loadConfig(path, CONFIG_FACTS)
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
