import type { Admin } from './admins.ts'
import { ControlError } from './errors.ts'
import { fitsBudget, tellBudget } from './grants.ts'
import type { ControlPort, KeyView, Membership } from './port.ts'
import { membershipOf } from './within.ts'

/** A key as it would be; `before`: as it is. */
interface Sum {
  readonly before: Pick<KeyView, 'revoked_at' | 'expires_at'> | null
  readonly after: Membership
}

/** Refuses a key by which its maker's keys together would have more than it may give. Throws ControlError `grant_exceeded`. */
export function checkSum(port: ControlPort, admin: Admin, { before, after }: Sum): void {
  if (admin.grants === null) return
  const { keys: most, level_budgets: budgets } = admin.grants
  const nowMs = Date.now()
  const own = () => port.listKeys().filter((each) => each.created_by === admin.id && isInUse(each, nowMs))
  // One that is over and shall go on is one more.
  if (most !== undefined && (before === null || !isInUse(before, nowMs)) && own().length >= most) {
    const message = `You have ${most} keys in use, which is the most that you may have; revoke one before you make another.`
    throw new ControlError('grant_exceeded', message)
  }
  if (budgets.length === 0) return
  const bounding = [...port.levelsOf(after), 'gateway'].flatMap((name) => {
    const level = port.levelBudgets(name)
    return level === null || (level.owner === 'database' && mayChange(port, admin, name)) ? [] : level.budgets
  })
  for (const budget of budgets) {
    if (bounding.some((own) => fitsBudget(own, budget))) continue
    const message = `The key must be in a level that has a budget of at most ${tellBudget(budget)}, and that you cannot change.`
    throw new ControlError('grant_exceeded', message, { param: 'budgets' })
  }
}

function isInUse(key: Pick<KeyView, 'revoked_at' | 'expires_at'>, nowMs: number): boolean {
  return key.revoked_at === null && (key.expires_at ?? Number.POSITIVE_INFINITY) > nowMs
}

/** Whether an admin could take a stored level's budget away. */
function mayChange(port: ControlPort, { rights, within }: Admin, name: string): boolean {
  if (!rights.has('levels.write') || name === within) return false
  return within === null || port.levelsOf(membershipOf(name)).includes(within)
}
