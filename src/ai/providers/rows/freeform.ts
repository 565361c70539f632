import type { ModelTraits } from '../provider-row.ts'

/**
 * Models of OpenAI's own that take tools with free text as input in chat completions, too: from GPT-5 on, but not those
 * tuned for chat (function calling guide, "Custom tools", 2026-11).
 */
export const FREEFORM: readonly ModelTraits[] = [[/^gpt-(?:[5-9]|\d\d)(?!.*chat)/i, { customTools: true }]]
