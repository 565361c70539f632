import { OPERATIONS } from '../operations/table.ts'
import { CONVERSATIONS, COUNTS } from './conversations.ts'

/** Names of all routes whose requests are counted by the limits of keys, as their records have them. */
export const LIMITED_ROUTES: readonly string[] = [
  ...new Set([...CONVERSATIONS, ...COUNTS, ...OPERATIONS].map(({ name }) => name)),
  'models.list',
  'models.get',
  'capabilities',
  'files',
  'batches',
  'realtime',
  'passthrough',
]
