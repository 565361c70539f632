import { hash, timingSafeEqual } from 'node:crypto'
import type { AuthData } from '../../config/index.ts'
import { compileGlob } from '../../lib/index.ts'
import { HashForms } from '../key-hashes.ts'

/** Where somebody belongs, field by field; `id` is that of a tenant of the file. */
export type TenantFields = Readonly<Record<string, string>>

/** Who a key is. */
export interface ResolvedKey {
  readonly tenant: TenantFields
  readonly subject: { readonly type: string; readonly id: string; readonly name?: string }
  readonly scopes: readonly string[]
  readonly api_key_id: string
}

export interface AuthorizeQuestion {
  readonly tenant: TenantFields
  readonly subject: { readonly type: string; readonly id: string }
  readonly action: string
  readonly resource: string
}

type Key = AuthData['api_keys'][number]

interface Role {
  readonly allows: (action: string, resource: string) => boolean
}

interface Binding {
  readonly role: Role
  readonly tenant: TenantFields
  readonly subject: { readonly type?: string | undefined; readonly id?: string | undefined }
}

const HASH = /^(?:sha256:[0-9a-f]{64}|blake2b:[0-9a-f]{128})$/i

/** Who there is, and what each may do, as a file says. */
export class Directory {
  readonly tenants: readonly {
    readonly id: string
    readonly name: string
    readonly enabled: boolean
    readonly context: TenantFields
  }[]
  readonly #byHash = new Map<string, Key>()
  readonly #forms = new HashForms('')
  readonly #keys: ReadonlyMap<string, Key>
  readonly #bindings: readonly Binding[]

  constructor({ tenants, api_keys: keys, roles, bindings }: AuthData) {
    this.tenants = tenants.map(({ id, name = id, enabled, context }) => ({ id, name, enabled, context }))
    this.#keys = new Map(keys.map((key) => [key.id, key]))
    for (const key of keys) {
      const hashed = HASH.test(key.secret) ? key.secret.toLowerCase() : `sha256:${hash('sha256', key.secret)}`
      this.#byHash.set(hashed, key)
      this.#forms.add(hashed)
    }
    const byId = new Map(roles.map((role) => [role.id, roleOf(role)]))
    this.#bindings = bindings.flatMap(({ role_id: id, tenant, subject }) => {
      const role = byId.get(id)
      return role === undefined
        ? []
        : [{ role, subject, tenant: tenant === undefined ? {} : this.#bindingFields(tenant) }]
    })
  }

  /** Who a presented key is; null for one that is not known, or is switched off, it or its tenant. */
  resolve(presented: string): ResolvedKey | null {
    const key = this.#forms.find(presented, (hashed) => this.#byHash.get(hashed)) ?? null
    if (key === null || !key.enabled) return null
    const tenant = this.#tenantOf(key.tenant)
    if (tenant === null) return null
    const subject = key.subject ?? {
      type: 'api_key',
      id: key.id,
      ...(key.name === undefined ? {} : { name: key.name }),
    }
    return { tenant, subject, scopes: key.scopes, api_key_id: key.id }
  }

  /** Whether some binding lets a subject do this. */
  authorize({ tenant, subject, action, resource }: AuthorizeQuestion): boolean {
    if (!this.#isOpen(tenant) || !this.#isWhere(subject, tenant)) return false
    return this.#bindings.some(
      (binding) =>
        covers(binding.subject, subject) &&
        Object.entries(binding.tenant).every(([field, value]) => tenant[field] === value) &&
        binding.role.allows(action, resource),
    )
  }

  /** Whether nobody has switched the place off: the tenant with its `id`, or else those that its fields say most exactly. */
  #isOpen(place: TenantFields): boolean {
    if (place['id'] !== undefined) return this.tenants.find(({ id }) => id === place['id'])?.enabled === true
    const around = this.tenants.filter(({ context }) => isIn(place, context))
    const most = Math.max(...around.map(({ context }) => Object.keys(context).length))
    return around.every(({ enabled, context }) => enabled || Object.keys(context).length < most)
  }

  /** A key acts where it is, and while it is switched on. */
  #isWhere({ type, id }: AuthorizeQuestion['subject'], tenant: TenantFields): boolean {
    if (type !== 'api_key') return true
    const key = this.#keys.get(id)
    if (key === undefined || !key.enabled) return false
    const own = this.#tenantOf(key.tenant)
    return own !== null && Object.entries(tenant).every(([field, value]) => own[field] === value)
  }

  /** Null for one that is switched off. */
  #tenantOf(tenant: Key['tenant']): TenantFields | null {
    if (typeof tenant !== 'string') {
      return this.#isOpen(tenant) ? tenant : null
    }
    const known = this.tenants.find(({ id }) => id === tenant)
    return known === undefined || !known.enabled ? null : { ...known.context, id: known.id }
  }

  #bindingFields(tenant: NonNullable<AuthData['bindings'][number]['tenant']>): TenantFields {
    return typeof tenant === 'string' ? { id: tenant } : tenant
  }
}

function roleOf({ permissions }: AuthData['roles'][number]): Role {
  const compiled = permissions.map(({ action, resource }) => [compileGlob(action), compileGlob(resource)] as const)
  return { allows: (action, resource) => compiled.some(([does, on]) => does(action) && on(resource)) }
}

function covers(binding: Binding['subject'], { type, id }: AuthorizeQuestion['subject']): boolean {
  return (binding.type === undefined || binding.type === type) && (binding.id === undefined || binding.id === id)
}

/** A tenant that says nothing of where it is has nobody in it. */
function isIn(place: TenantFields, context: TenantFields): boolean {
  const fields = Object.entries(context)
  return fields.length > 0 && fields.every(([name, value]) => place[name] === value)
}

/** Whether two tokens are the same, in constant time. */
export function sameToken(one: string, other: string): boolean {
  return timingSafeEqual(hash('sha256', one, 'buffer'), hash('sha256', other, 'buffer'))
}
