import { parseArgs } from 'node:util'

/** What the load can be pointed at, in the order of the tables. */
export const variantNames = ['direct', 'nginx', 'pipe', 'relay', 'gateway'] as const

/** One of the things that the load can be pointed at. */
export type VariantName = (typeof variantNames)[number]

/** What one run of the benchmark measures and how long it takes over it. */
export type Options = {
  readonly scenarios: readonly ScenarioId[]
  readonly format: 'text' | 'json'
  /** File that receives the JSON in addition to what is printed; null for none. */
  readonly output: string | null
  readonly rounds: number
  readonly blockSeconds: number
  readonly warmupSeconds: number
  /** Connection counts that replace those of the scenario; null for the scenario's own. */
  readonly connections: readonly number[] | null
  readonly variants: readonly VariantName[]
  /** Cold starts measured per way of starting. */
  readonly starts: number
  /** Words of the command that starts the gateway, before `run --config …`; null for this checkout's. */
  readonly gatewayCommand: readonly string[] | null
  /** Processor of the measured program and processor of load and mock; null to leave placement to the kernel. */
  readonly pin: { readonly measured: number; readonly load: number } | null
  /** Folder for V8 CPU profiles of the gateway's threads; null for an unprofiled run. */
  readonly profileFolder: string | null
}

/** The scenarios this benchmark knows. */
export type ScenarioId = (typeof allScenarios)[number]

const allScenarios = ['S1', 'S2', 'S3a', 'S10', 'C1', 'C2', 'C3a', 'C3b', 'C4a', 'C4b', 'C5'] as const

/** The text of `--help`. */
export const usage = `npm run bench -- [options]

  --scenario LIST     S1, S2, S3a, S10, C1, C2, C3a, C3b, C4a, C4b, C5, separated by commas;
                      S and C mean all that begin with them (default all)
  --format F          text or json (default text)
  --output FILE       write the JSON to FILE as well
  --rounds N          rounds per level; each runs every variant once, in random order (default 5)
  --seconds S         length of one block (default 5)
  --warmup S          warm-up of every variant before the first round of a level (default 8)
  --connections LIST  connection counts instead of the scenario's own, e.g. 16,64
  --variants LIST     of direct, nginx, pipe, relay, gateway (default all)
  --starts N          cold starts per way of starting in S10 (default 5)
  --gateway COMMAND   another build to measure, e.g. "node dist/cli/main.js"
                      (default: this Node with src/cli/main.ts)
  --pin M:L           measured program on processor M, load and mock on L, or none (default 1:0)
  --profile FOLDER    write V8 CPU profiles of the gateway there; its figures then mean little
  --help`

/** Reads the command line; throws an Error whose message says what is wrong with which option. */
export const parseOptions = (args: readonly string[]): Options | 'help' => {
  const { values } = parseArgs({
    args: [...args],
    options: {
      scenario: { type: 'string', default: 'all' },
      format: { type: 'string', default: 'text' },
      output: { type: 'string' },
      rounds: { type: 'string', default: '5' },
      seconds: { type: 'string', default: '5' },
      warmup: { type: 'string', default: '8' },
      connections: { type: 'string' },
      variants: { type: 'string', default: 'all' },
      starts: { type: 'string', default: '5' },
      gateway: { type: 'string' },
      pin: { type: 'string', default: '1:0' },
      profile: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) return 'help'
  const profileFolder = values.profile ?? null
  return {
    scenarios: chooseFrom('--scenario', families(values.scenario), allScenarios),
    format: chooseFrom('--format', values.format, ['text', 'json'] as const)[0]!,
    output: values.output ?? null,
    rounds: positiveInteger('--rounds', values.rounds),
    blockSeconds: positiveInteger('--seconds', values.seconds),
    warmupSeconds: positiveInteger('--warmup', values.warmup),
    connections:
      values.connections === undefined
        ? null
        : values.connections.split(',').map((text) => positiveInteger('--connections', text)),
    variants: chooseFrom('--variants', values.variants, variantNames),
    starts: positiveInteger('--starts', values.starts),
    gatewayCommand: values.gateway?.trim().split(/\s+/) ?? null,
    pin: parsePin(values.pin),
    profileFolder,
  }
}

/** Words that start the gateway under load: the command asked for, or this checkout's sources on this Node. */
export const loadedGateway = (options: Options): readonly string[] =>
  options.gatewayCommand ?? [
    process.execPath,
    ...(options.profileFolder === null ? [] : ['--cpu-prof', `--cpu-prof-dir=${options.profileFolder}`]),
    'src/cli/main.ts',
  ]

const chooseFrom = <Name extends string>(option: string, text: string, names: readonly Name[]): readonly Name[] => {
  if (text === 'all') return names
  return text.split(',').map((word) => {
    const found = names.find((name) => name.toLowerCase() === word.trim().toLowerCase())
    if (found === undefined) throw new Error(`${option}: "${word}" is none of ${names.join(', ')}`)
    return found
  })
}

/** `S` and `C` in a list are all scenarios that begin so. */
const families = (text: string): string =>
  text.replace(/(?<=^|,)\s*([SC])\s*(?=,|$)/gi, (_, letter: string) =>
    allScenarios.filter((id) => id.startsWith(letter.toUpperCase())).join(','),
  )

const positiveInteger = (option: string, text: string): number => {
  const value = Number(text)
  if (!Number.isSafeInteger(value) || value < 1) throw new Error(`${option}: "${text}" is not a positive whole number`)
  return value
}

const parsePin = (text: string): Options['pin'] => {
  if (text === 'none') return null
  const match = /^(\d+):(\d+)$/.exec(text)
  if (match === null) throw new Error(`--pin: "${text}" is neither "none" nor like "1:0"`)
  return { measured: Number(match[1]), load: Number(match[2]) }
}
