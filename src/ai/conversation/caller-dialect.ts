import type { Exchange, GatewayError, RenderedError } from '../../core/index.ts'
import { queryKeys } from '../../governance/index.ts'
import { createErrorRendering } from './errors.ts'

export type CallerDialect = 'openai-chat' | 'anthropic-messages' | 'gemini'

/**
 * Whose words a caller reads on paths that vendors have in common: each sends with every request what the others never do.
 */
export function callerDialect({ head, path, query }: Exchange): CallerDialect {
  if (head.get('anthropic-version') !== null) return 'anthropic-messages'
  const isGoogles = head.get('x-goog-api-client') !== null || head.get('x-goog-api-key') !== null
  return isGoogles || path.startsWith('/v1beta/') || path.startsWith('/upload/') || queryKeys(path, query).length > 0
    ? 'gemini'
    : 'openai-chat'
}

const RENDERING: Readonly<Record<CallerDialect, ReturnType<typeof createErrorRendering>>> = {
  'openai-chat': createErrorRendering('openai-chat'),
  'anthropic-messages': createErrorRendering('anthropic-messages'),
  gemini: createErrorRendering('gemini'),
}

/** An error in the caller's own form. */
export function renderForCaller(x: Exchange, error: GatewayError): RenderedError {
  return RENDERING[callerDialect(x)].renderError(x, error)
}
