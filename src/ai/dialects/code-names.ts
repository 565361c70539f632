import type { ErrorCode } from '../../core/index.ts'

/** Codes for which the core, which does not know what it carries, has only general words. */
const RENAMED: Partial<Record<ErrorCode, string>> = {
  resource_not_found: 'model_not_found',
  resource_denied: 'model_not_allowed',
  unpriced: 'model_unpriced',
  budget_exceeded: 'insufficient_quota',
  conversion_lossy: 'translation_lossy',
}

/** The public name of a code: in every dialect's error objects, in records, logs and metrics. */
export function chatCodeName(code: ErrorCode): string {
  return RENAMED[code] ?? code
}
