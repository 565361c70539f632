import { createScanner } from '../../lib/index.ts'

/** Top-level members of an answer, or of one event of a streamed answer. */
export const ANSWER = { usage: 0, choices: 1, error: 2 } as const

/** Answers nest deeper than requests may: tool arguments come back as the upstream wrote them. */
export const answerScanner = createScanner(['usage', 'choices', 'error'], { maxDepth: 512 })
