import { parentPort } from 'node:worker_threads'
import { CONFIG_FACTS, PROVIDERS, providersIn } from '../../ai/facts.ts'
import {
  type ConfigDocument,
  type ConfigError,
  defaultDocument,
  documentFrom,
  loadConfig,
  renderErrors,
} from '../../config/index.ts'
import type { ConfigThreadStart } from '../messages.ts'
import { StartError } from '../start-error.ts'
import { startErrors } from '../start-errors.ts'

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
  const parsed = await loadConfig(path, { ...CONFIG_FACTS, env: process.env })
  if (!parsed.ok) throw refusal(path, parsed.errors, parsed.text)
  const errors = await startErrors(parsed, process.env, CONFIG_FACTS.providerFacts)
  if (errors.length > 0) throw refusal(path, errors, parsed.text)
  return parsed.document
}

function refusal(path: string, errors: readonly ConfigError[], text: string): StartError {
  const count = errors.length
  return new StartError(`${path} has ${count} ${count === 1 ? 'error' : 'errors'}.`, renderErrors(errors, text))
}

/** A start without a file: providers whose keys are in the environment, each addressed as `provider/model`. */
async function documentWithoutFile(): Promise<ConfigDocument> {
  const providers = Object.fromEntries(providersIn(process.env))
  return Object.keys(providers).length === 0 ? defaultDocument() : await documentFrom({ providers })
}
