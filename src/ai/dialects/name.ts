/** The dialects that clients or upstreams speak. */
export type DialectName =
  | 'openai-chat'
  | 'openai-responses'
  | 'openai-completions'
  | 'anthropic-messages'
  | 'gemini'
  | 'bedrock-converse'
  | 'cohere'
  | 'ollama'
  | 'replicate'

/** Who can read what a vendor sealed: only the family of models that made it. */
export type SealFamily = 'anthropic' | 'openai' | 'gemini' | 'other'

/**
 * When a family's models want back what was sealed beside calls of tools: Gemini signs each call, Claude's thoughts are asked for
 * only while it is to think.
 */
export const WANTS_SEALS: Readonly<Record<SealFamily, 'always' | 'thinking' | 'never'>> = {
  gemini: 'always',
  anthropic: 'thinking',
  openai: 'never',
  other: 'never',
}
