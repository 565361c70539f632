import type { Capabilities } from '../dialects/dialect.ts'

/** A model of which nothing is known: what its dialect can say is tried. */
export const UNKNOWN: Capabilities = {
  maxOutputTokens: null,
  contextTokens: null,
  refuses: new Set(),
  structuredOutput: null,
  tools: null,
  vision: null,
  reasoning: null,
  family: 'other',
}
