import { createScanner, readString, type ScannedObject } from '../../lib/index.ts'

/** Top-level members of an answer, or of one event of a streamed answer. */
export const ANSWER = { usage: 0, choices: 1, error: 2, serviceTier: 3 } as const

/** Answers nest deeper than requests may: tool arguments come back as the upstream wrote them. */
export const answerScanner = createScanner(['usage', 'choices', 'error', 'service_tier'], { maxDepth: 512 })

/** How the vendor served the answer, where it tells; null where it does not. */
export function tierOf(body: Buffer, scanned: ScannedObject): string | null {
  if (!scanned.has(ANSWER.serviceTier)) return null
  return readString(body, scanned.valueStart(ANSWER.serviceTier), scanned.valueEnd(ANSWER.serviceTier))
}
