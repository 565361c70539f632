/**
 * Names of all routes whose requests are counted by the limits of keys, as their records have them. Written out, since
 * who restores limits after a restart loads nothing that serves.
 */
export const LIMITED_ROUTES: readonly string[] = [
  'chat.completions',
  'completions',
  'responses',
  'messages',
  'content',
  'messages.count',
  'embeddings',
  'images.generations',
  'images.edits',
  'images.variations',
  'audio.speech',
  'audio.transcriptions',
  'audio.translations',
  'moderations',
  'rerank',
  'models.list',
  'models.get',
  'capabilities',
  'files',
  'batches',
  'realtime',
  'passthrough',
]
