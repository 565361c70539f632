import { Command, Option } from 'commander'
import {
  CONFIG_FILE_NAMES,
  type ConfigDocument,
  type ConfigError,
  findConfigFile,
  loadConfig,
  renderErrors,
} from '../config/index.ts'
import { counted } from './counted.ts'

/** The verdict on a configuration file. */
export interface Verdict {
  readonly valid: boolean
  readonly file: string
  /** One line for people, without the file's name. */
  readonly summary: string
  readonly errors: readonly ConfigError[]
  readonly warnings: readonly ConfigError[]
  /** The text of the file, to show the lines that errors and warnings are about. */
  readonly text: string
}

/**
 * Judges a file as a start would: syntax, schema, the checks between its parts, references that must resolve, and
 * everything that is compiled.
 */
export async function validateFile(file: string, env: NodeJS.ProcessEnv): Promise<Verdict> {
  const { CONFIG_FACTS } = await import('../ai/facts.ts')
  const { startErrors } = await import('../app/index.ts')
  const result = await loadConfig(file, { ...CONFIG_FACTS, env })
  const errors = result.ok ? await startErrors(result, env, CONFIG_FACTS.providerFacts) : result.errors
  const warnings = result.ok ? result.warnings : []
  const valid = result.ok && errors.length === 0
  const summary =
    result.ok && valid ? `valid: ${contents(result.document)}` : `invalid: ${counted(errors.length, 'error')}`
  return { valid, file, summary, errors, warnings, text: result.text }
}

/** What the file has: of HTTP traffic only where it has any, of models always, unless it has HTTP traffic only. */
function contents({ providers, models, keys, routes, upstreams, listeners }: ConfigDocument): string {
  const ofHttp = [
    [routes.length, 'route'],
    [Object.keys(upstreams).length, 'upstream'],
    [Object.keys(listeners).length, 'listener'],
  ] as const
  const ofModels = [
    [Object.keys(providers).length, 'provider'],
    [Object.keys(models).length, 'model'],
    [keys.length, 'key'],
  ] as const
  const there = ofHttp.filter(([amount]) => amount > 0)
  const isHttpOnly = routes.length > 0 && ofModels.every(([amount]) => amount === 0)
  return [...there, ...(isHttpOnly ? [] : ofModels)].map(([amount, noun]) => counted(amount, noun)).join(', ')
}

interface ValidateOptions {
  readonly config?: string
  readonly format: 'text' | 'json'
}

/** `ferro validate`: exit 0 and one line when the configuration is valid, else exit 1 and every error. */
export function validateCommand(): Command {
  return new Command('validate')
    .description('check a configuration file; starts nothing')
    .option('-c, --config <file>', `the file; without it, the first of ${CONFIG_FILE_NAMES.join(', ')} in this folder`)
    .addOption(new Option('--format <format>', 'how to answer').choices(['text', 'json']).default('text'))
    .action(async ({ config, format }: ValidateOptions) => {
      const file = config ?? findConfigFile('.')
      const verdict = file === null ? NO_FILE : await validateFile(file, process.env)
      if (format === 'json') printJson(verdict)
      else printText(verdict)
      if (!verdict.valid) process.exitCode = 1
    })
}

const NO_FILE: Verdict = {
  valid: false,
  file: '',
  summary: `no configuration here (${CONFIG_FILE_NAMES.join(', ')}); name one with --config`,
  errors: [],
  warnings: [],
  text: '',
}

function printJson({ text: _shownByPeopleOnly, ...verdict }: Verdict): void {
  process.stdout.write(`${JSON.stringify(verdict, null, 2)}\n`)
}

function printText({ valid, file, summary, errors, warnings, text }: Verdict): void {
  const asWarnings = warnings.map((warning) => ({ ...warning, message: `warning: ${warning.message}` }))
  process.stderr.write(renderErrors([...errors, ...asWarnings], text))
  const line = file === '' ? `${summary}\n` : `${file}: ${summary}\n`
  if (valid) process.stdout.write(line)
  else process.stderr.write(line)
}
