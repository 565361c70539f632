import type { StoredKey } from '../storage/index.ts'
import type { Admin } from './admins.ts'
import { ControlError } from './errors.ts'
import { fitsBudget, tellBudget } from './grants.ts'
import type { ControlPort, KeyView } from './port.ts'
import { membershipOf } from './within.ts'

/** Refuses a key by which its maker's keys together would have more than it may give. Throws ControlError `grant_exceeded`. */
export function checkSum(port: ControlPort, admin: Admin, key: StoredKey): void {
  if (admin.grants === null) return
  const { keys: most, level_budgets: budgets } = admin.grants
  const nowMs = Date.now()
  if (most !== undefined && port.listKeys().filter((each) => isInUse(each, admin, nowMs)).length >= most) {
    const message = `You have ${most} keys in use, which is the most that you may have; revoke one before you make another.`
    throw new ControlError('grant_exceeded', message)
  }
  if (budgets.length === 0) return
  const bounding = [...port.levelsOf(key), 'gateway'].flatMap((name) => {
    const level = port.levelBudgets(name)
    return level === null || (level.owner === 'database' && mayChange(port, admin, name)) ? [] : level.budgets
  })
  for (const budget of budgets) {
    if (bounding.some((own) => fitsBudget(own, budget))) continue
    const message = `The key must be in a level that has a budget of at most ${tellBudget(budget)}, and that you cannot change.`
    throw new ControlError('grant_exceeded', message, { param: 'budgets' })
  }
}

function isInUse(key: KeyView, { id }: Admin, nowMs: number): boolean {
  return key.created_by === id && key.revoked_at === null && (key.expires_at ?? Number.POSITIVE_INFINITY) > nowMs
}

/** Whether an admin could take a stored level's budget away. */
function mayChange(port: ControlPort, { rights, within }: Admin, name: string): boolean {
  if (!rights.has('levels.write') || name === within) return false
  return within === null || port.levelsOf(membershipOf(name)).includes(within)
}
