/** Flags that say what a key or a level is: which models, how fast, how much. */
import { readFileSync } from 'node:fs'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { BUDGET_PERIODS } from '../config/index.ts'
import { mergePatch } from '../control/index.ts'
import { isObject } from '../lib/index.ts'
import { EXIT_USAGE, Failure } from './failure.ts'

const LIMIT_FLAGS = {
  requests_per_second: 'requestsPerSecond',
  requests_per_minute: 'requestsPerMinute',
  requests_per_day: 'requestsPerDay',
  burst: 'burst',
  tokens_per_minute: 'tokensPerMinute',
  concurrency: 'concurrency',
} as const

type LimitFlag = (typeof LIMIT_FLAGS)[keyof typeof LIMIT_FLAGS]

/** What they say. */
export interface SubjectFlags extends Readonly<Partial<Record<LimitFlag, number>>> {
  readonly name?: string
  readonly organization?: string
  readonly team?: string
  readonly tag?: readonly string[]
  readonly metadata?: Readonly<Record<string, string>>
  readonly allowModel?: readonly string[]
  readonly denyModel?: readonly string[]
  readonly budgetTokens?: number
  readonly budgetUsd?: number
  readonly per?: string
  readonly from?: string
}

/** The same for a change of what is there. */
export interface ChangeFlags {
  readonly enable?: boolean
  readonly disable?: boolean
  readonly clear?: readonly string[]
}

const DEFAULT_PERIOD = 'month'

/** Adds the flags that keys and levels have in common. */
export function addSubjectFlags(command: Command): Command {
  return command
    .option('--name <name>', 'name for people')
    .option('--allow-model <pattern...>', 'models that may be used; without it, all')
    .option('--deny-model <pattern...>', 'models that may not be used')
    .option('--tag <tag...>', 'words to find it by')
    .option('--metadata <name=value...>', 'notes for people, no secrets', parseNote)
    .option('--requests-per-second <number>', 'how many requests may come in a second', parseCount)
    .option('--requests-per-minute <number>', 'how many in a minute', parseCount)
    .option('--requests-per-day <number>', 'how many in a day', parseCount)
    .option('--burst <number>', 'requests that may come at once', parseCount)
    .option('--tokens-per-minute <number>', 'tokens that may be used in a minute', parseCount)
    .option('--concurrency <number>', 'requests that may be in flight', parseCount)
    .option('--budget-tokens <number>', 'tokens that may be used in a period', parseCount)
    .option('--budget-usd <amount>', 'US dollars that may be spent in a period', parseAmount)
    .addOption(
      new Option('--per <period>', `period of the budgets (default: ${DEFAULT_PERIOD})`).choices(BUDGET_PERIODS),
    )
    .option('--from <file>', 'JSON of fields as the admin API takes them, `-` for standard input; flags win over it')
}

/** Adds the flags of a change. */
export function addChangeFlags(command: Command): Command {
  return command
    .addOption(new Option('--enable', 'let its requests in again').conflicts('disable'))
    .option('--disable', 'refuse its requests')
    .option('--clear <field...>', 'set back what a field was before it was set, such as expires_at or limits.burst')
}

/** The fields that the flags name, as the admin API takes them, and no other. Throws Failure for flags that contradict each other. */
export function fieldsOf(flags: SubjectFlags, more: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  const { budgetTokens, budgetUsd, allowModel, denyModel } = flags
  const per = flags.per ?? DEFAULT_PERIOD
  const budgets = [
    ...(budgetTokens === undefined ? [] : [{ tokens: budgetTokens, per }]),
    ...(budgetUsd === undefined ? [] : [{ usd: budgetUsd, per }]),
  ]
  if (flags.per !== undefined && budgets.length === 0) {
    throw new Failure('--per needs --budget-tokens or --budget-usd', { exitCode: EXIT_USAGE })
  }
  const limits = Object.entries(LIMIT_FLAGS).map(([name, flag]) => [name, flags[flag]] as const)
  const said = given({
    ...more,
    name: flags.name,
    organization: flags.organization,
    team: flags.team,
    tags: flags.tag,
    metadata: flags.metadata,
    models: unlessEmpty(given({ allow: allowModel, deny: denyModel })),
    limits: unlessEmpty(given(Object.fromEntries(limits))),
    budgets: budgets.length === 0 ? undefined : budgets,
  })
  return flags.from === undefined ? said : mergePatch(readFields(flags.from), said)
}

/** The merge patch that the flags of a change say. Throws Failure where they say nothing. */
export function patchOf(fields: Record<string, unknown>, { enable, disable, clear = [] }: ChangeFlags) {
  const patch = { ...fields, ...given({ enabled: enable ?? (disable === true ? false : undefined) }) }
  const cleared = clear.map((path) => {
    const [first = '', ...rest] = path.split('.')
    return { [first]: rest.length === 0 ? null : { [rest.join('.')]: null } }
  })
  const whole = Object.assign(patch, ...cleared.map((each) => nested(patch, each))) as Record<string, unknown> // of objects
  if (Object.keys(whole).length > 0) return whole
  throw new Failure('nothing is to be changed; name a flag, see --help', { exitCode: EXIT_USAGE })
}

/** What is set back within something that the same command changes. */
function nested(patch: Readonly<Record<string, unknown>>, cleared: Readonly<Record<string, unknown>>) {
  return Object.fromEntries(
    Object.entries(cleared).map(([name, value]) => {
      const own = patch[name]
      return [name, isObject(own) && isObject(value) ? { ...own, ...value } : value]
    }),
  )
}

function readFields(file: string): Record<string, unknown> {
  let value: unknown
  try {
    value = JSON.parse(readFileSync(file === '-' ? 0 : file, 'utf8'))
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new Failure(`--from ${file} cannot be read: ${reason}`, { exitCode: EXIT_USAGE, cause })
  }
  if (isObject(value)) return value
  throw new Failure(`--from ${file}: expected a JSON object`, { exitCode: EXIT_USAGE })
}

function given(values: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined))
}

function unlessEmpty(values: Record<string, unknown>): Record<string, unknown> | undefined {
  return Object.keys(values).length === 0 ? undefined : values
}

function parseNote(text: string, before: Readonly<Record<string, string>> | undefined): Record<string, string> {
  const at = text.indexOf('=')
  if (at > 0) return { ...before, [text.slice(0, at)]: text.slice(at + 1) }
  throw new InvalidArgumentError('Expected name=value.')
}

function parseCount(text: string): number {
  if (/^[1-9]\d{0,14}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('Expected a whole number of at least 1.')
}

function parseAmount(text: string): number {
  if (/^\d{1,7}(?:\.\d{1,9})?$/.test(text)) return Number(text)
  throw new InvalidArgumentError('Expected an amount of US dollars, such as 25 or 0.50.')
}
