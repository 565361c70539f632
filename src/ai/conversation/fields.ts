import { createScanner } from '../../lib/index.ts'

/** Deepest nesting of a request body. */
const MAX_DEPTH = 64

/** Top-level keys of a chat request that the gateway reads or patches; their index is their number in scans. */
export const FIELD = {
  model: 0,
  messages: 1,
  stream: 2,
  streamOptions: 3,
  maxTokens: 4,
  maxCompletionTokens: 5,
  n: 6,
} as const

export const requestScanner = createScanner(
  ['model', 'messages', 'stream', 'stream_options', 'max_tokens', 'max_completion_tokens', 'n'],
  { maxDepth: MAX_DEPTH },
)

/** The one member of `stream_options` that the gateway reads or sets. */
export const OPTION = { includeUsage: 0 } as const

export const streamOptionsScanner = createScanner(['include_usage'], { maxDepth: MAX_DEPTH })

/** Top-level keys of an answer, or of one event of a streamed answer. */
export const ANSWER = { usage: 0, choices: 1, error: 2 } as const

/** Answers nest deeper than requests may: tool arguments come back as the upstream wrote them. */
export const answerScanner = createScanner(['usage', 'choices', 'error'], { maxDepth: 512 })
