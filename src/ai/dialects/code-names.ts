import type { ErrorCode, GatewayError } from '../../core/index.ts'

/** Codes for which the core, which does not know what it carries, has only general words. */
const RENAMED: Partial<Record<ErrorCode, string>> = {
  resource_not_found: 'model_not_found',
  resource_denied: 'model_not_allowed',
  unpriced: 'model_unpriced',
  budget_exceeded: 'insufficient_quota',
  conversion_lossy: 'translation_lossy',
}

/** Why an upstream rejected a request, in the words by which clients shorten it, choose another model or give up. */
const REJECTIONS: ReadonlyMap<string | null, string> = new Map([
  ['context_length', 'context_length_exceeded'],
  ['content_refused', 'content_filter'],
  ['withdrawn', 'model_not_found'],
])

/** The public name of a code: in records, logs and metrics, and in every dialect's error objects where nothing is said more precisely. */
export function chatCodeName(code: ErrorCode): string {
  return RENAMED[code] ?? code
}

/** What clients are told: the name of the code, or what is known of a rejection beyond it. */
export function clientCodeName(error: GatewayError): string {
  const known = error.code === 'upstream_rejected' ? REJECTIONS.get(error.reason) : undefined
  return known ?? chatCodeName(error.code)
}
