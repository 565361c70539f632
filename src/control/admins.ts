import { ADMIN_RIGHTS, type ConfigDocument } from '../config/index.ts'
import { ControlError } from './errors.ts'

export type AdminConfig = ConfigDocument['control']['admins'][number]

export type AdminRight = (typeof ADMIN_RIGHTS)[number]

/** Scopes that stand for several rights; the others are rights themselves. */
const SEVERAL: Readonly<Record<string, readonly AdminRight[]>> = {
  admin: ADMIN_RIGHTS,
  'admin.read': ADMIN_RIGHTS.filter((right) => right.endsWith('.read')),
  read_only: ADMIN_RIGHTS.filter((right) => right.endsWith('.read')),
  'admin.write': ADMIN_RIGHTS.filter((right) => right.endsWith('.write')),
}

/** Who asks, and how far that goes. */
export interface Admin {
  readonly id: string
  readonly rights: ReadonlySet<AdminRight>
  /** Name of the level whose keys alone it sees, `team:search`; null: it sees all there is. */
  readonly within: string | null
  /** The most that keys may have which it makes; null: anything. */
  readonly grants: AdminConfig['grants'] | null
  /** Milliseconds since the epoch; null: never. */
  readonly expiresAt: number | null
}

/** Whoever has the admin token. */
export const OWNER: Admin = { id: 'owner', rights: new Set(ADMIN_RIGHTS), within: null, grants: null, expiresAt: null }

/** An admin of the configuration. */
export function adminOf({ id, scopes, within, grants, expires_at: expiresAt }: AdminConfig): Admin {
  // Their own names; what is none of these stands for several.
  const rights = scopes.flatMap((scope) => SEVERAL[scope] ?? [scope as AdminRight])
  const [level] = Object.entries(within ?? {}).flatMap(([kind, name]) =>
    name === undefined ? [] : [`${kind}:${name}`],
  )
  return { id, rights: new Set(rights), within: level ?? null, grants, expiresAt: expiresAt ?? null }
}

/** Refuses an admin that has not this right, or that is for one level alone and asks for more than keys and levels. */
export function checkRight(admin: Admin, right: AdminRight): void {
  if (!admin.rights.has(right)) {
    const message = `This token does not have the scope "${right}", which this needs. Use one that has it.`
    throw new ControlError('insufficient_scope', message)
  }
  if (admin.within === null || right.startsWith('keys.') || right.startsWith('levels.')) return
  throw new ControlError('insufficient_scope', `This token is for keys and levels in ${admin.within} alone.`)
}
