import type { Upstream } from '../../core/index.ts'

/** Whoever answers: named in headers and errors, with what must not be shown of it. */
export interface AnswerSource {
  readonly name: string
  readonly upstream: Upstream
  /** Values that must never reach a client. */
  readonly secrets: readonly Buffer[]
  /** The same, for headers. */
  readonly secretTexts: readonly string[]
}
