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
