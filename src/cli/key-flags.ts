import { type Command, InvalidArgumentError, Option } from 'commander'
import { BUDGET_PERIODS, isScope, SCOPES } from '../config/index.ts'
import { EXIT_USAGE, Failure } from './failure.ts'

/** What the flags of `ferro keys create` say. */
export interface KeyFlags {
  readonly id?: string
  readonly name?: string
  readonly expires?: string
  readonly scope?: readonly string[]
  readonly allowModel?: readonly string[]
  readonly denyModel?: readonly string[]
  readonly address?: readonly string[]
  readonly tag?: readonly string[]
  readonly metadata?: Readonly<Record<string, string>>
  readonly requestsPerMinute?: number
  readonly burst?: number
  readonly budgetTokens?: number
  readonly budgetUsd?: number
  readonly per?: string
}

const DEFAULT_PERIOD = 'month'

/** Adds the flags that describe a key. */
export function addKeyFlags(command: Command): Command {
  return command
    .option('--id <id>', 'name of the key in records and metrics; without it, a random one')
    .option('--name <name>', 'name for people')
    .option('--expires <date>', 'when the key ends: a date (midnight UTC), or a date and time with an offset')
    .option('--scope <scope...>', 'what the key may do; without it, everything', parseScope)
    .option('--allow-model <pattern...>', 'models that the key may use; without it, all')
    .option('--deny-model <pattern...>', 'models that the key may not use')
    .option('--address <network...>', 'networks that the key may be used from, such as 10.0.0.0/8; without it, all')
    .option('--tag <tag...>', 'words to find the key by')
    .option('--metadata <name=value...>', 'notes for people, no secrets', parseNote)
    .option('--requests-per-minute <number>', 'how fast the key may ask', parseCount)
    .option('--burst <number>', 'requests that may come at once', parseCount)
    .option('--budget-tokens <number>', 'tokens that the key may use in a period', parseCount)
    .option('--budget-usd <amount>', 'US dollars that the key may cost in a period', parseAmount)
    .addOption(
      new Option('--per <period>', `period of the budgets (default: ${DEFAULT_PERIOD})`).choices(BUDGET_PERIODS),
    )
}

/** The request for a key, as the admin API takes it. Throws Failure for flags that contradict each other. */
export function requestOf(flags: KeyFlags): object {
  const { budgetTokens, budgetUsd, allowModel, denyModel, requestsPerMinute, burst } = flags
  const per = flags.per ?? DEFAULT_PERIOD
  const budgets = [
    ...(budgetTokens === undefined ? [] : [{ tokens: budgetTokens, per }]),
    ...(budgetUsd === undefined ? [] : [{ usd: budgetUsd, per }]),
  ]
  if (flags.per !== undefined && budgets.length === 0) {
    throw new Failure('--per needs --budget-tokens or --budget-usd', { exitCode: EXIT_USAGE })
  }
  return withoutUndefined({
    id: flags.id,
    name: flags.name,
    expires_at: flags.expires === undefined ? undefined : instantOf(flags.expires),
    scopes: flags.scope,
    addresses: flags.address,
    tags: flags.tag,
    metadata: flags.metadata,
    models: withoutUndefined({ allow: allowModel, deny: denyModel }),
    limits: withoutUndefined({ requests_per_minute: requestsPerMinute, burst }),
    budgets,
  })
}

function instantOf(text: string): string {
  return /^\d{4}-\d{2}-\d{2}$/.test(text) ? `${text}T00:00:00Z` : text
}

function withoutUndefined(values: Readonly<Record<string, unknown>>): object {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined))
}

function parseScope(text: string, before: readonly string[] | undefined): string[] {
  if (isScope(text)) return [...(before ?? []), text]
  throw new InvalidArgumentError(`Allowed choices are ${SCOPES.join(', ')}, and names with a colon for routes.`)
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
