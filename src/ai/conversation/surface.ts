import type { ClientDialect } from '../dialects/dialect.ts'
import type { ClientDialectName } from './readers.ts'
import type { RequestReader } from './request-reader.ts'

/** A way for clients to hold a conversation: one dialect on its path. */
export interface Surface {
  /** As records, metrics and scopes call it, e.g. `chat.completions`. */
  readonly name: string
  readonly dialect: ClientDialectName
  readonly client: ClientDialect
  readonly reader: RequestReader
}
