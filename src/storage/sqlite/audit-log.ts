import type { AuditEntry, AuditFacts, AuditQuery, AuditRow } from '../audit-entry.ts'
import { type SqlDatabase, type SqlRow, type SqlStatement, type SqlValue, textOrNull } from '../sql/sql-database.ts'

/** The audit log. Rows are added and never changed or removed: the database itself refuses that. */
export class AuditLog {
  readonly #insert: SqlStatement

  constructor(database: SqlDatabase) {
    this.#insert = database.prepare(
      `INSERT INTO audit (time, actor, address, request_id, action, target, outcome, reason, "before", "after")
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    )
  }

  append({ time, actor, address, request_id, action, target, outcome, reason, before, after }: AuditEntry): void {
    const facts = [before, after].map((each) => (each === null ? null : JSON.stringify(each)))
    this.#insert.run(time, actor, address, request_id, action, target, outcome, reason, ...facts)
  }
}

/** A page of the log, newest first. */
export function auditPage(database: SqlDatabase, { before, limit, actor, target, action }: AuditQuery): AuditRow[] {
  const wanted: readonly (readonly [string, SqlValue])[] = [
    ['sequence < ?', before],
    ['actor = ?', actor],
    ['target = ?', target],
    ['action = ?', action],
  ]
  const given = wanted.filter(([, value]) => value !== null)
  const where = given.length === 0 ? '' : `WHERE ${given.map(([test]) => test).join(' AND ')}`
  const rows = database.prepare(`SELECT * FROM audit ${where} ORDER BY sequence DESC LIMIT ?`)
  return rows.all(...given.map(([, value]) => value), limit).map(rowOf)
}

function rowOf(row: SqlRow): AuditRow {
  return {
    sequence: Number(row.sequence),
    time: Number(row.time),
    actor: String(row.actor),
    address: textOrNull(row.address),
    request_id: textOrNull(row.request_id),
    action: String(row.action),
    target: String(row.target),
    outcome: row.outcome === 'done' ? 'done' : 'refused',
    reason: textOrNull(row.reason),
    before: factsOf(row.before),
    after: factsOf(row.after),
  }
}

function factsOf(value: SqlRow[string] | undefined): AuditFacts | null {
  return typeof value === 'string' ? (JSON.parse(value) as AuditFacts) : null // written by append()
}
