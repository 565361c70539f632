import type { RuleConfig } from '../../../config/index.ts'
import type { CompileRegex, Condition } from './conditions.ts'

/** An expression looks at so many characters of a message: its work grows with the text and with itself. */
const MOST_CHARACTERS = 16_384

/** Conditions on the user's words. A request without any, such as one for a picture, fulfils none, `not_contains` included. */
export function compileContent(when: RuleConfig['when'], regex: CompileRegex): Condition[] {
  const conditions: Condition[] = []
  const { contains, not_contains: excluded, matches } = when
  if (contains !== undefined) {
    const wanted = contains.map((text) => text.toLowerCase())
    conditions.push(({ words }) => words.some((text) => holdsOne(text, wanted)))
  }
  if (excluded !== undefined) {
    const unwanted = excluded.map((text) => text.toLowerCase())
    conditions.push(({ words }) => words.length > 0 && !words.some((text) => holdsOne(text, unwanted)))
  }
  if (matches !== undefined) {
    // Expressions match whole texts; what is looked for may stand anywhere.
    const compiled = matches.map((pattern) => regex(`.*(?:${pattern}).*`))
    conditions.push(({ words }) =>
      words.some((text) => {
        const head = text.slice(0, MOST_CHARACTERS)
        return compiled.some((expression) => expression.matches(head))
      }),
    )
  }
  return conditions
}

function holdsOne(text: string, words: readonly string[]): boolean {
  const lower = text.toLowerCase()
  return words.some((word) => lower.includes(word))
}
