/** What an admin of one level may touch: that level and those below it. */
import type { Admin } from './admins.ts'
import { ControlError } from './errors.ts'
import type { ControlPort, Membership } from './port.ts'

export const NOWHERE: Membership = { organization: null, team: null, project: null, user: null }
const FIELDS = ['organization', 'team', 'project', 'user'] as const

/** The membership of what is in a level of this name alone. */
export function membershipOf(level: string): Membership {
  const at = level.indexOf(':')
  return { ...NOWHERE, [level.slice(0, at)]: level.slice(at + 1) }
}

/** Whether something that names these levels is in the admin's. */
export function isWithin(port: Pick<ControlPort, 'levelsOf'>, { within }: Admin, of: Membership): boolean {
  return within === null || port.levelsOf(of).includes(within)
}

/** A level or a key that the configuration speaks of and that is not there yet: no admin of another level may make it up. */
export function checkName(
  port: Pick<ControlPort, 'isNamedInFile'>,
  { within }: Admin,
  { kind, id }: { readonly kind: Parameters<ControlPort['isNamedInFile']>[0]; readonly id: string },
): void {
  if (within === null || !port.isNamedInFile(kind, id)) return
  const message = `The configuration speaks of the ${kind} "${id}": only an admin of everything may make it.`
  throw new ControlError('grant_exceeded', message, { param: 'id' })
}

/**
 * Refuses what is not in the admin's level, or that names another one beside it: it would be charged there, and get what is
 * allowed there. A level may be named that lies in the admin's, or in which that lies.
 */
export function checkWithin(port: Pick<ControlPort, 'levelsOf'>, admin: Admin, of: Membership, what: string): void {
  const { within } = admin
  if (within === null) return
  if (!isWithin(port, admin, of)) {
    const message = `The ${what} must be in ${within}: your token is for what is in that alone.`
    throw new ControlError('grant_exceeded', message, { param: within.slice(0, within.indexOf(':')) })
  }
  const around = port.levelsOf(membershipOf(within))
  for (const field of FIELDS) {
    const own = of[field]
    if (own === null || around.includes(`${field}:${own}`)) continue
    if (port.levelsOf({ ...NOWHERE, [field]: own }).includes(within)) continue
    const message = `The ${what} may not be in ${field}:${own}: your token is for what is in ${within} alone.`
    throw new ControlError('grant_exceeded', message, { param: field })
  }
}
