/** What a key may be allowed to do on the gateway's own endpoints. */
export const SCOPES = [
  'models.read',
  'chat.completions',
  'completions.create',
  'responses.create',
  'messages.create',
  'content.generate',
  'embeddings.create',
  'images.generate',
  'audio.create',
  'moderations.create',
  'rerank.create',
  'files.manage',
  'batches.manage',
  'realtime.connect',
  'passthrough.use',
] as const
/** Scopes that people make up for their routes: the colon tells them from a slip in one of ours. */
export const OWN_SCOPE = /^[a-z0-9][a-z0-9._-]{0,31}(?::[a-z0-9][a-z0-9._-]{0,31}){1,3}$/

/** True for what a key may hold and a route may ask for. */
export function isScope(text: string): boolean {
  return OWN_SCOPE.test(text) || SCOPES.some((scope) => scope === text)
}

/** The periods after which a budget starts anew; `total` never does. */
export const BUDGET_PERIODS = ['day', 'week', 'month', 'total'] as const

/** What rules make counters by. */
export const RULE_KINDS = [
  'model',
  'provider',
  'address',
  'principal',
  'user',
  'key_tag',
  'tag',
  'session',
  'run',
  'end_user',
] as const

/** What a rule does with requests that say nothing of the kind. */
export const WHEN_ABSENT = ['ignore', 'together', 'refuse'] as const
