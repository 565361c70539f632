/** How a thing that can be asked for is described: once, as a row; the server knows none of them by name. */
import type { Admin, AdminRight } from './admins.ts'
import type { Actor } from './audit-entry.ts'
import type { ControlPort } from './port.ts'

export interface Resource {
  /** HEAD is served where GET is. */
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  /** Exact path; `{id}` stands for one segment, the last or the one before it. */
  readonly path: string
  /**
   * `open`: anybody who reaches the listener. `metrics`: anybody on this machine, else who has the right. `admin`: who has
   * the right.
   */
  readonly access: 'open' | 'metrics' | 'admin'
  /** What a token must be good for; null where anybody may. */
  readonly right: AdminRight | null
  /** `json`: a body is required, is read and parsed; `none`: a body is refused unread. */
  readonly body: 'none' | 'json'
  /** Query parameters that may be given; null where a query is ignored. */
  readonly query: readonly string[] | null
  /** What it does, as the audit log names it: `key.create`, `team.change`, …; absent: it changes nothing. */
  readonly action?: string
  /** Rejects with ControlError for anything the caller can mend. */
  readonly handle: (port: ControlPort, request: ControlRequest) => Answer | Promise<Answer>
}

/** What a handler gets: everything checked except the meaning. */
export interface ControlRequest {
  /** Who asks; the holder of the admin token where nobody was asked for one. */
  readonly admin: Admin
  /** The same, as the audit log names it. */
  readonly by: Actor
  /** The segment that `{id}` stood for; empty where the path has none. */
  readonly id: string
  readonly query: ReadonlyMap<string, string>
  /** The parsed body; undefined where the resource takes none. */
  readonly body: unknown
}

/** A whole answer: an object becomes JSON, a text goes out as it is. */
export interface Answer {
  readonly status: number
  readonly body: object | { readonly text: string; readonly contentType: string }
  readonly headers?: Readonly<Record<string, string>>
}

/** An answer of 200 with a JSON object. */
export function ok(body: object): Answer {
  return { status: 200, body }
}
