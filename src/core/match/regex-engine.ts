/**
 * Regular expressions that an operator wrote. They run in time linear in the text (RE2), because a client chooses the
 * text: an engine that backtracks takes minutes for `(a+)+$`. The engine is loaded when a configuration has the first.
 */
import { PatternError } from './pattern-error.ts'

/** The work for a text is at most its length times this, 20 ns each; the expression for a UUID has 36. */
const MAX_STEPS = 200
const MAX_PATTERN_CHARS = 1000
/**
 * The engine builds an automaton while it matches, which is fast when it comes across the same states again. A text made
 * against an expression such as `.*a.{40}` shows it a new one at each character, at 10 µs each; longer texts are therefore
 * matched without it.
 */
const MAX_AUTOMATON_CHARS = 1000

/** What a compiled expression found. */
export interface RegexGroups {
  /** The groups in their order, the first at index 0; one that took no part is empty. */
  readonly groups: readonly string[]
  readonly named: ReadonlyMap<string, string>
}

/** A compiled expression; it matches whole texts, not parts of them. */
export interface Regex {
  matches(text: string): boolean
  /** The groups, or null when the text does not match. */
  groups(text: string): RegexGroups | null
}

/** Compiles an expression in RE2's syntax, or throws a PatternError. */
export type RegexCompiler = (pattern: string) => Regex

/** Loads the engine. */
export async function loadRegexCompiler(): Promise<RegexCompiler> {
  const { RE2JS } = await import('re2js')
  return (pattern) => {
    if (pattern.length > MAX_PATTERN_CHARS) {
      throw new PatternError(`a regex of ${pattern.length} characters; at most ${MAX_PATTERN_CHARS} are taken`)
    }
    let compiled: ReturnType<typeof RE2JS.compile>
    try {
      compiled = RE2JS.compile(pattern, RE2JS.DOTALL)
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause)
      throw new PatternError(`the regex "${pattern}" is not in RE2's syntax: ${why}`, { cause })
    }
    if (compiled.programSize() > MAX_STEPS) {
      throw new PatternError(
        `the regex "${pattern}" is too large (${compiled.programSize()} steps, at most ${MAX_STEPS}); lower its repetitions`,
      )
    }
    return {
      matches: (text) =>
        text.length > MAX_AUTOMATON_CHARS ? compiled.matcher(text).matches() : compiled.testExact(text),
      groups(text) {
        const found = compiled.matcher(text)
        if (!found.matches()) return null
        const groups = Array.from({ length: compiled.groupCount() }, (_, index) => found.group(index + 1) ?? '')
        const named = Object.entries(found.getNamedGroups()).map(([name, value]) => [name, value ?? ''] as const)
        return { groups, named: new Map(named) }
      },
    }
  }
}
