import { type Actor, auditEntry, encodeKey, viewKey } from '../control/index.ts'
import { keyLevel } from '../governance/index.ts'
import type { AuditEntry, StoredKey } from '../storage/index.ts'

/** The line of the audit log of a change of a key. */
export function keyEntry(
  by: Actor,
  action: string,
  { before, after }: { readonly before: StoredKey | null; readonly after: StoredKey },
): AuditEntry {
  const told = (key: StoredKey) => encodeKey(viewKey(key, 'database'), Date.now())
  const change = { before: before === null ? null : told(before), after: told(after) }
  return auditEntry(by, { action, target: keyLevel(after.id), ...change })
}
