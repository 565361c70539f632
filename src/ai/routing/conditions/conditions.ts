import type { RuleConfig } from '../../../config/index.ts'
import { compileGlob, compileGlobs } from '../../../lib/index.ts'
import type { RequestFacts } from '../contract.ts'
import { LEVELS } from '../visibility.ts'
import { compileContent } from './content.ts'

/** Whether a request is as a rule says. */
export type Condition = (facts: RequestFacts) => boolean

/** Compiles an expression in RE2's syntax for whole texts, or throws an Error. */
export type CompileRegex = (pattern: string) => { matches(text: string): boolean }

type When = RuleConfig['when']
type TextTest = NonNullable<When['header']>[string]
type ValueTest = NonNullable<When['parameter']>[string]

/** The conditions of one rule, all of which must hold: those that cost least are asked first. Throws an Error for an expression that is none. */
export function compileConditions(when: When, regex: CompileRegex | null): Condition {
  const compile: CompileRegex = (pattern) => {
    if (regex === null) throw new Error('the engine for regular expressions was not loaded')
    return regex(pattern)
  }
  const conditions = [...ofHead(when, compile), ...ofBody(when, compile), ...compileContent(when, compile)]
  const [only] = conditions
  if (only !== undefined && conditions.length === 1) return only
  return (facts) => conditions.every((holds) => holds(facts))
}

/** What is known without the body. */
function ofHead(when: When, regex: CompileRegex): Condition[] {
  const conditions: Condition[] = []
  const { stream, input_tokens: tokens } = when
  if (stream !== undefined) conditions.push((facts) => facts.stream === stream)
  if (tokens !== undefined) conditions.push((facts) => isWithin(facts.inputTokens, tokens))
  for (const name of ['model', 'surface', 'key'] as const) {
    const patterns = when[name]
    if (patterns === undefined) continue
    const globs = compileGlobs(patterns)
    conditions.push((facts) => globs.matches(facts[name]))
  }
  for (const kind of LEVELS) {
    const patterns = when[kind]
    if (patterns === undefined) continue
    const globs = compileGlobs(patterns)
    conditions.push((facts) => {
      const id = facts.level(kind)
      return id !== null && globs.matches(id)
    })
  }
  if (when.tag !== undefined) {
    const tags = when.tag
    conditions.push((facts) => tags.some((tag) => facts.tags.has(tag)))
  }
  if (when.key_tag !== undefined) {
    const tags = when.key_tag
    conditions.push((facts) => tags.some((tag) => facts.keyTags.has(tag)))
  }
  for (const [name, test] of Object.entries(when.header ?? {})) {
    const [holds, header] = [compileText(test, regex), name.toLowerCase()]
    conditions.push((facts) => holds(facts.header(header)))
  }
  return conditions
}

function ofBody(when: When, regex: CompileRegex): Condition[] {
  const conditions: Condition[] = []
  for (const [name, test] of Object.entries(when.metadata ?? {})) {
    const holds = compileText(test, regex)
    conditions.push((facts) => holds(facts.metadata(name)))
  }
  for (const [name, test] of Object.entries(when.parameter ?? {})) {
    const [holds, path] = [compileValue(test), name.split('.')]
    conditions.push((facts) => holds(facts.parameter(path)))
  }
  return conditions
}

function compileText(test: TextTest, regex: CompileRegex): (value: string | null) => boolean {
  if (typeof test === 'boolean') return (value) => (value !== null) === test
  if (typeof test === 'string') {
    const matches = compileGlob(test)
    return (value) => value !== null && matches(value)
  }
  if ('prefix' in test) return (value) => value?.startsWith(test.prefix) === true
  const compiled = regex(test.regex)
  return (value) => value !== null && compiled.matches(value)
}

function compileValue(test: ValueTest): (value: unknown) => boolean {
  if (typeof test === 'string') {
    const matches = compileGlob(test)
    return (value) => typeof value === 'string' && matches(value)
  }
  if (typeof test !== 'object') return (value) => value === test
  return (value) => typeof value === 'number' && isWithin(value, test)
}

function isWithin(
  value: number,
  { above, below }: { above?: number | undefined; below?: number | undefined },
): boolean {
  return (above === undefined || value > above) && (below === undefined || value < below)
}
