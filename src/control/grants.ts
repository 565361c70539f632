import { compileGlob } from '../lib/index.ts'
import type { StoredBudget } from '../storage/index.ts'
import type { Admin } from './admins.ts'
import { ControlError } from './errors.ts'
import type { KeyView } from './port.ts'

/** What of a key can be more than somebody may give. */
export type Granted = Pick<
  KeyView,
  | 'scopes'
  | 'models_allow'
  | 'tags'
  | 'expires_at'
  | 'requests_per_second'
  | 'requests_per_minute'
  | 'requests_per_day'
  | 'burst'
  | 'tokens_per_minute'
  | 'concurrency'
  | 'budgets'
>

const LIMITS = [
  'requests_per_second',
  'requests_per_minute',
  'requests_per_day',
  'burst',
  'tokens_per_minute',
  'concurrency',
] as const
const NANOS_PER_USD = 1e9

/** Refuses a key that has more than its maker may give. Throws ControlError `grant_exceeded` with the field. */
export function checkGrant(key: Granted, { grants, expiresAt }: Admin): void {
  if (expiresAt !== null && (key.expires_at === null || key.expires_at > expiresAt)) {
    throw exceeded('expires_at', `it must expire by ${new Date(expiresAt).toISOString()}, when your token does`)
  }
  if (grants === null) return
  const { scopes, models, tags, limits, budgets } = grants
  if (scopes !== undefined) {
    if (key.scopes.length === 0) throw exceeded('scopes', 'a key without scopes holds every one; name them')
    const more = key.scopes.find((each) => !scopes.some((own) => own === each))
    if (more !== undefined) throw exceeded('scopes', `you may not give the scope "${more}"`)
  }
  if (models !== undefined) {
    if (key.models_allow === null) throw exceeded('models.allow', 'a key without an allow list may use every model')
    const more = key.models_allow.find((pattern) => !models.some((own) => isWithin(pattern, own)))
    if (more !== undefined) throw exceeded('models.allow', `you may not give the models "${more}"`)
  }
  const tag = tags === undefined ? undefined : key.tags.find((each) => !tags.some((own) => compileGlob(own)(each)))
  if (tag !== undefined) throw exceeded('tags', `you may not give the tag "${tag}"`)
  for (const name of LIMITS) {
    const most = limits[name]
    const own = name === 'burst' ? (key.burst ?? key.requests_per_minute) : key[name]
    if (most !== undefined && (own === null || own > most)) throw exceeded(`limits.${name}`, `${most} is the most`)
  }
  for (const budget of budgets) {
    if (key.budgets.some((own) => fitsBudget(own, budget))) continue
    throw exceeded('budgets', `it must have a budget of at most ${tellBudget(budget)}`)
  }
}

type GrantedBudget = NonNullable<Admin['grants']>['budgets'][number]

/** Whether a budget is one that was asked for, or a smaller one. */
export function fitsBudget(own: StoredBudget, { tokens, usd, per, time_zone: zone = 'UTC' }: GrantedBudget): boolean {
  const unit = tokens === undefined ? 'nanos' : 'tokens'
  return own.unit === unit && own.per === per && (own.time_zone ?? 'UTC') === zone && own.limit <= (tokens ?? usd ?? 0)
}

/** For people: `10 USD per month (UTC)`. */
export function tellBudget({ tokens, usd, per, time_zone: zone = 'UTC' }: GrantedBudget): string {
  const told = tokens === undefined ? `${(usd ?? 0) / NANOS_PER_USD} USD` : `${tokens} tokens`
  return `${told} per ${per} (${zone})`
}

/** Whether everything that one pattern stands for, the other does. */
function isWithin(pattern: string, own: string): boolean {
  if (!pattern.includes('*')) return compileGlob(own)(pattern)
  const [head = '', ...rest] = own.split('*')
  // Of patterns with a star in the middle only the same is known to be within.
  return pattern === own || (rest.length === 1 && rest[0] === '' && pattern.startsWith(head))
}

function exceeded(param: string, what: string): ControlError {
  return new ControlError('grant_exceeded', `The key would have more than you may give: ${param}: ${what}.`, { param })
}
