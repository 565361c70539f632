import { type ConfigDocument, checkDocumentedHashes, formatPath } from '../config/index.ts'
import type { Log } from '../observability/index.ts'

/** Says at a start and at each reload which keys have a hash that the documentation prints. */
export function warnOfDocumentedHashes(document: ConfigDocument, log: Pick<Log, 'warn'>): void {
  for (const { path, message } of checkDocumentedHashes(document)) {
    log.warn(`the configuration has a key of the documentation: ${message}`, { field: formatPath(path) })
  }
}
