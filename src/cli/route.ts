import { readFileSync } from 'node:fs'
import { Command } from 'commander'
import type { ConfigDocument } from '../config/index.ts'
import { defaultDocument, findConfigFile, loadConfig, renderErrors } from '../config/index.ts'
import { EXIT_USAGE, Failure } from './failure.ts'
import { addLocationOptions, collect } from './location-options.ts'
import { figuresOf, findKey, levelsOf } from './route-sources.ts'
import { renderRoute } from './route-text.ts'

interface ExplainOptions {
  readonly model?: string
  readonly key?: string
  readonly body?: string
  readonly header: readonly string[]
  readonly surface: string
  readonly config?: string | false
  readonly dataDir?: string
  readonly format: 'text' | 'json'
}

const EXAMPLES = `
Nothing is sent to anybody. What is known of targets (latency, failures, who rests) is asked of the gateway that runs on
the data directory, where there is one that tells.

Examples:
  ferro route explain --model fast
  ferro route explain --model fast --key ci --body request.json --header x-tier=gold
  ferro route explain --surface messages --body request.json --format json`

/** `ferro route explain`: where a request would go, and why. */
export function routeCommand(): Command {
  const command = new Command('route').description('see where requests go').addHelpText('after', EXAMPLES)
  const explaining = command
    .command('explain')
    .description('say which targets a request would ask, in which order, and why')
    .option('-m, --model <name>', 'the model that is asked for; without it, the one of the body')
    .option('-k, --key <id>', 'id of the key that asks; without it, one that may use everything')
    .option('-b, --body <file>', 'a request as a client sends it, in JSON; `-` reads standard input')
    .option('-H, --header <name=value>', 'a header of the request; may be given several times', collect, [])
    .option('--surface <name>', 'how the client speaks: chat.completions, messages, responses, …', 'chat.completions')
  addLocationOptions(explaining).action(explain)
  return command
}

async function explain(options: ExplainOptions): Promise<void> {
  const { model, body: file, format, surface, key: id } = options
  if (model === undefined && file === undefined) {
    throw new Failure('name a model with --model, or a request with --body', { exitCode: EXIT_USAGE })
  }
  const document = await documentOf(options)
  const body = file === undefined ? null : readFileSync(file === '-' ? 0 : file)
  const key = id === undefined ? null : await findKey(id, document, options)
  const [{ explainRoute }, { levelRights }, figures] = await Promise.all([
    import('../ai/index.ts'),
    import('../app/index.ts'),
    figuresOf(document, options),
  ])
  const question = {
    document,
    environment: process.env,
    surface,
    model,
    key,
    levels: levelRights(await levelsOf(document, options), key),
    headers: headersOf(options.header),
    body,
    figures,
  }
  const explanation = await explainRoute(question).catch((error: unknown) => {
    throw new Failure(error instanceof Error ? error.message : String(error), { cause: error })
  })
  process.stdout.write(format === 'json' ? `${JSON.stringify(explanation, null, 2)}\n` : renderRoute(explanation))
}

function headersOf(lines: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    lines.map((line) => {
      const at = line.search(/[=:]/)
      if (at <= 0) throw new Failure(`--header ${line}: expected name=value`, { exitCode: EXIT_USAGE })
      return [line.slice(0, at).trim().toLowerCase(), line.slice(at + 1).trim()]
    }),
  )
}

/** The document that a command is about: of the file that is named, or found, or of none. */
export async function documentOf({ config }: { readonly config?: string | false }): Promise<ConfigDocument> {
  const file = config === false ? null : (config ?? findConfigFile('.'))
  if (file === null) return defaultDocument()
  const { CONFIG_FACTS } = await import('../ai/index.ts')
  const result = await loadConfig(file, { ...CONFIG_FACTS, env: process.env })
  if (result.ok) return result.document
  throw new Failure(`${file} cannot be used: it has errors`, { details: renderErrors(result.errors, result.text) })
}
