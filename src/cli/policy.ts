import { readFileSync } from 'node:fs'
import { Command } from 'commander'
import type { PolicyExplanation } from '../ai/index.ts'
import { EXIT_USAGE, Failure } from './failure.ts'
import { addLocationOptions, collect } from './location-options.ts'
import { documentOf } from './route.ts'
import { findKey, levelsOf } from './route-sources.ts'

interface ExplainOptions {
  readonly key?: string
  readonly model?: string
  readonly provider?: string
  readonly tool: readonly string[]
  readonly parameter: readonly string[]
  readonly body?: string
  readonly route: string
  readonly address: string
  readonly time?: string
  readonly config?: string | false
  readonly dataDir?: string
  readonly format: 'text' | 'json'
}

const EXAMPLES = `
Nothing is sent to anybody.

Examples:
  ferro policy explain --key ci --model fast
  ferro policy explain --key ci --model fast --tool web_search --parameter max_tokens=8000
  ferro policy explain --key ci --model fast --address 10.1.2.3 --time 2027-01-04T09:00:00Z --format json`

/** `ferro policy explain`: what policies say to a request, and why. */
export function policyCommand(): Command {
  const command = new Command('policy').description('see what policies say').addHelpText('after', EXAMPLES)
  const explaining = command
    .command('explain')
    .description('say which policies apply to a request, and what each of them refuses')
    .option('-k, --key <id>', 'id of the key that asks; without it, one without tags that is nowhere')
    .option('-m, --model <name>', 'the model that is asked for; without it, the one of the body')
    .option('--provider <name>', 'of those who serve the model, this one')
    .option('--tool <name>', 'a tool that the request offers; may be given several times', collect, [])
    .option('--parameter <name=value>', 'a parameter of the request; may be given several times', collect, [])
    .option('-b, --body <file>', 'a request as a client sends it, in JSON; `-` reads standard input')
    .option('--route <name>', 'what is called, as records name it', 'chat.completions')
    .option('--address <address>', 'where the request comes from', '')
    .option('--time <time>', 'when it comes; without it, now')
  addLocationOptions(explaining).action(explain)
  return command
}

async function explain(options: ExplainOptions): Promise<void> {
  const document = await documentOf(options)
  const { explainPolicy } = await import('../ai/index.ts')
  const key = options.key === undefined ? null : await findKey(options.key, document, options)
  const body = bodyOf(options)
  const model = options.model ?? (typeof body['model'] === 'string' ? body['model'] : null)
  const explanation = await explainPolicy({
    document,
    environment: process.env,
    key:
      key === null ? null : { id: key.id, tags: key.tags, levels: (await levelsOf(document, options)).namesFor(key) },
    model,
    provider: options.provider ?? null,
    place: { route: options.route, address: options.address, timeMs: timeOf(options.time) },
    body,
  }).catch((error: unknown) => {
    throw new Failure(error instanceof Error ? error.message : String(error), { cause: error })
  })
  const text = options.format === 'json' ? `${JSON.stringify(explanation, null, 2)}\n` : render(explanation)
  process.stdout.write(text)
}

function bodyOf({ body: file, tool, parameter }: ExplainOptions): Readonly<Record<string, unknown>> {
  const body = file === undefined ? {} : parsed(readFileSync(file === '-' ? 0 : file, 'utf8'), file)
  const tools = tool.map((name) => ({ type: name, name }))
  const given = parameter.map((text): [string, unknown] => {
    const at = text.indexOf('=')
    if (at <= 0) throw new Failure(`--parameter ${text}: expected name=value`, { exitCode: EXIT_USAGE })
    return [text.slice(0, at), readValue(text.slice(at + 1))]
  })
  return { ...body, ...Object.fromEntries(given), ...(tools.length === 0 ? {} : { tools }) }
}

function parsed(text: string, file: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text)
    // An object's own members; what is none fails below.
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  } catch {
    // Said below, with the same words.
  }
  throw new Failure(`${file} is no JSON object`, { exitCode: EXIT_USAGE })
}

/** `8000` is a number, `true` a truth value, and the rest a text. */
function readValue(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

function timeOf(text: string | undefined): number {
  const timeMs = text === undefined ? Date.now() : Date.parse(text)
  if (Number.isFinite(timeMs)) return timeMs
  throw new Failure(`--time ${text}: expected a date and time, such as 2027-01-01T00:00:00Z`, { exitCode: EXIT_USAGE })
}

function render({ decision, rule, message, version, request, policies, targets }: PolicyExplanation): string {
  const { key, levels, route, model, address, time } = request
  const where = address === '' ? 'from nowhere in particular' : `from ${address}`
  const lines = [
    `${decision}${rule === null ? '' : `, by policy ${rule}`}${version === null ? '; there are no policies' : ` (version ${version})`}`,
    ...(message === null ? [] : [`told: ${message}`]),
    `request: ${route}${model === null ? '' : ` with ${model}`}, ${where}, at ${time}`,
    `key: ${key ?? 'none in particular'}${levels.length === 0 ? '' : `, in ${levels.join(', ')}`}`,
    ...(policies.length === 0 ? [] : ['', 'Policies']),
    ...policies.map(({ id, applies, refuses }) =>
      applies === 'yes'
        ? `  ${refuses === null ? 'allows ' : 'refuses'}  ${id}${refuses === null ? '' : `  ${refuses}`}`
        : `  ${applies.padEnd(8)} ${id}`,
    ),
    ...(targets.length === 0 ? [] : ['', 'Targets']),
    ...targets.map(
      ({ id, refused_by: by }) => `  ${by === null ? 'kept   ' : 'dropped'}  ${id}${by === null ? '' : `  by ${by}`}`,
    ),
  ]
  return `${lines.join('\n')}\n`
}
