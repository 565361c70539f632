import { isObject } from '../../lib/index.ts'
import type { Membership } from './outside-principal.ts'

/** Whom a service knows a key to be: what is asked about it later is asked in the same words. */
export interface ServiceSubject extends Membership {
  /** Unlike that of every other subject: with its tenant and its type. */
  readonly name: string
  readonly scopes: readonly string[]
  /** The service's own words, for its other questions. */
  readonly tenant: unknown
  readonly subject: unknown
}

const ID = /^[\x21-\x7e]{1,200}$/

/** Reads the answer about a key; null when it is none. */
export function readSubject(value: unknown): ServiceSubject | null {
  if (!isObject(value)) return null
  const { tenant, subject, scopes = [] } = value
  if (!isObject(tenant) || !isObject(subject) || !Array.isArray(scopes)) return null
  const id = textOf(subject, ['id', 'api_key_id', 'user_id', 'service_account_id'])
  if (id === null || !ID.test(id) || !scopes.every((scope) => typeof scope === 'string')) return null
  // The tenant's own fields, or those of the context within it.
  const context = isObject(tenant['context']) ? { ...tenant['context'], ...tenant } : tenant
  const place = textOf(context, ['id', 'tenant_id', 'organization_id', 'organization']) ?? ''
  const type = textOf(subject, ['type']) ?? 'api_key'
  return {
    // Colons within the first two are escaped.
    name: `${[place, type].map(encodeURIComponent).join(':')}:${id}`,
    scopes,
    tenant,
    subject,
    organization: textOf(context, ['organization_id', 'organization']),
    team: textOf(context, ['team_id', 'team']),
    project: textOf(context, ['project_id', 'project']),
    user: textOf(context, ['user_id', 'user']) ?? (subject['type'] === 'user' ? id : null),
  }
}

/** Whether an answer lets something be done; null when it is none. */
export function readVerdict(value: unknown): { readonly allowed: boolean; readonly reason: string } | null {
  if (!isObject(value) || typeof value['allowed'] !== 'boolean') return null
  return { allowed: value['allowed'], reason: typeof value['reason'] === 'string' ? value['reason'] : '' }
}

function textOf(value: Readonly<Record<string, unknown>>, names: readonly string[]): string | null {
  for (const name of names) {
    const text = value[name]
    if (typeof text === 'string' && text !== '') return text
  }
  return null
}
