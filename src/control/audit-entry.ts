import type { AuditEntry, AuditFacts } from '../storage/index.ts'

/** Who changes something, as the audit log names it. */
export interface Actor {
  /** Id of the admin, `owner` for the holder of the admin token; else what of the program it is. */
  readonly id: string
  readonly address: string | null
  readonly requestId: string | null
}

/** Whoever may read the database's file. */
export const COMMAND_LINE: Actor = { id: 'command-line', address: null, requestId: null }
/** The program itself. */
export const GATEWAY_ITSELF: Actor = { id: 'gateway', address: null, requestId: null }

/** What was changed; `before` and `after` are what an answer says of it, null where it was not there or is not any more. */
export interface AuditedChange {
  readonly action: string
  readonly target: string
  readonly before: object | null
  readonly after: object | null
}

/** Where a change is on its way through, no more than this of one member is kept. */
const MAX_MEMBER_CHARS = 4_096
/** What changes by itself. */
const NOT_TOLD: ReadonlySet<string> = new Set(['spent', 'reserved', 'last_used_at', 'updated_at'])

/** The line of the audit log of a change: of what was and is, the members that differ. */
export function auditEntry(by: Actor, { action, target, before, after }: AuditedChange): AuditEntry {
  const was = before === null ? null : membersOf(before)
  const is = after === null ? null : membersOf(after)
  const differs = (name: string) =>
    was === null || is === null || JSON.stringify(was[name]) !== JSON.stringify(is[name])
  return {
    ...lineOf(by, action, target),
    outcome: 'done',
    reason: null,
    before: was === null ? null : only(was, differs),
    after: is === null ? null : only(is, differs),
  }
}

/** The line of something that was refused; what was asked for is not kept. */
export function refusedEntry(by: Actor, action: string, target: string, reason: string): AuditEntry {
  return { ...lineOf(by, action, target), outcome: 'refused', reason, before: null, after: null }
}

function lineOf({ id, address, requestId }: Actor, action: string, target: string) {
  return { time: Date.now(), actor: id, address, request_id: requestId, action, target }
}

function membersOf(value: object): AuditFacts {
  const text = JSON.stringify(value, (name, member: unknown) => (NOT_TOLD.has(name) ? undefined : member))
  return JSON.parse(text) as AuditFacts // of an object
}

function only(facts: AuditFacts, wanted: (name: string) => boolean): AuditFacts {
  return Object.fromEntries(
    Object.entries(facts).flatMap(([name, value]) => (wanted(name) ? [[name, shortened(value)]] : [])),
  )
}

function shortened(value: unknown): unknown {
  const { length } = JSON.stringify(value) ?? ''
  return length <= MAX_MEMBER_CHARS ? value : `(${length} characters)`
}
