/** One line of the audit log: who changed what, or was not let. Holds no secret and no hash of one. */
export interface AuditEntry {
  /** Milliseconds since the epoch. */
  readonly time: number
  /** Id of the admin, `owner` for the holder of the admin token, `command-line`, `gateway`, or `replica`. */
  readonly actor: string
  /** Address that the request came from; null: it came by no network. */
  readonly address: string | null
  readonly request_id: string | null
  /** `key.create`, `team.change`, … */
  readonly action: string
  /** What it is about, as levels are named: `key:robot`, `team:search`. */
  readonly target: string
  readonly outcome: 'done' | 'refused'
  /** Code of the refusal; null when it was done. */
  readonly reason: string | null
  /** What was and what is, of the members that differ; null: it was not there, or is not any more. */
  readonly before: AuditFacts | null
  readonly after: AuditFacts | null
}

export type AuditFacts = Readonly<Record<string, unknown>>

/** A line as it is kept: `sequence` grows with every one. */
export interface AuditRow extends AuditEntry {
  readonly sequence: number
}

/** What of the log is asked for, newest first. */
export interface AuditQuery {
  /** Only lines before this one; null: from the newest. */
  readonly before: number | null
  /** At most 1,001. */
  readonly limit: number
  readonly actor: string | null
  readonly target: string | null
  readonly action: string | null
}
