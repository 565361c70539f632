/** Reading of raw values whose shape is not known yet. */
import type { Finding } from './checks.ts'
import type { Path } from './position.ts'

/** A member of a mapping; undefined for whatever has none. */
export function at(value: unknown, name: string): unknown {
  const isMapping = typeof value === 'object' && value !== null && !Array.isArray(value) && Object.hasOwn(value, name)
  // An own property of a mapping made of plain data.
  return isMapping ? (value as Record<string, unknown>)[name] : undefined
}

export function entriesOf(value: unknown): [string, unknown][] {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.entries(value) : []
}

export function keysOf(value: unknown): string[] {
  return entriesOf(value).map(([name]) => name)
}

export function itemsOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

export function text(value: unknown): string | null {
  return typeof value === 'string' ? value : null
}

/** A finding that a person should know of. */
export function warning(path: Path, message: string, more: { suggestion?: string | null } = {}): Finding {
  return { ...error(path, message, more), severity: 'warning' }
}

/** A finding that makes the document unusable. */
export function error(
  path: Path,
  message: string,
  more: { of?: Finding['of']; suggestion?: string | null } = {},
): Finding {
  return { path, of: more.of ?? 'value', message, suggestion: more.suggestion ?? null, severity: 'error' }
}
