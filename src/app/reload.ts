import type { ConfigDocument } from '../config/index.ts'
import { NO_LEVELS_DOCUMENT } from './levels.ts'

/** Sections that are fixed for the life of the process. */
const FIXED = ['listen', 'control', 'data_dir', 'storage', 'workers', 'cluster'] as const
/** Sections that a data worker reads at its start: a change replaces the workers, one after the other. */
const AT_WORKER_START = ['journal', 'process', 'listeners'] as const

/** Why a new document cannot take the old one's place in the running process; null when it can. */
export function reloadProblem(old: ConfigDocument, next: ConfigDocument): string | null {
  const changed = FIXED.filter((key) => differs(fixedPart(old, key), fixedPart(next, key)))
  if (changed.length === 0) return null
  const what = changed.map((key) => `\`${key}\``).join(', ')
  return `${what} cannot change in the running process. Undo the change, or restart the gateway.`
}

/** Admins may come and go. */
function fixedPart(document: ConfigDocument, key: (typeof FIXED)[number]): unknown {
  return key === 'control' ? { ...document.control, admins: [] } : document[key]
}

export function restartsWorkers(old: ConfigDocument, next: ConfigDocument): boolean {
  return AT_WORKER_START.some((key) => differs(old[key], next[key]))
}

function differs(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) !== JSON.stringify(b)
}

/** What workers need of a document: they get keys and levels in their compiled form, which may be very many. */
export function withoutKeys(document: ConfigDocument): ConfigDocument {
  return { ...document, ...NO_LEVELS_DOCUMENT, keys: [] }
}
