import { lineAt, splitSource } from './source-text.ts'

/** One import, re-export or dynamic import of a file. */
export interface ImportSite {
  readonly specifier: string
  /** From 1. */
  readonly line: number
  /** True when nothing of it is left after type stripping. */
  readonly typeOnly: boolean
  /** The values that it names, as the other file exports them; null for all of them. */
  readonly names: readonly string[] | null
}

// In the code part the specifier is blank: what is left of `import { a } from 'x'` is `import { a } from    `.
const STATIC = /(?:^|[\n;}])[ \t]*((?:import|export)\b(?:(?!\n[ \t]*(?:import|export)\b)[^'"`;()=])*?\bfrom|import)\s*$/
/** What stands at the end of either, as a first look that costs little. */
const BEFORE = /(?:\bfrom|\bimport|\()\s*$/
const DYNAMIC = /\b(?:import|require|getBuiltinModule)\s*\(\s*$/
const TAKEN_APART = /\bconst\s*\{([^{}]*)\}\s*=\s*(?:await\s+)?(?:process\s*\.\s*)?\w+\s*\(\s*$/

/** Finds the imports of a source text, and what is loaded by a call; one whose argument is not a plain string is not seen. */
export function findImports(text: string): ImportSite[] {
  const { code, strings } = splitSource(text)
  const sites: ImportSite[] = []
  for (const match of strings.matchAll(/(['"])([^'"\n]+)\1/g)) {
    if (!BEFORE.test(code.slice(Math.max(0, match.index - 80), match.index))) continue
    const before = code.slice(Math.max(0, match.index - 4000), match.index)
    const clause = STATIC.exec(before)?.[1]
    if (clause === undefined && !DYNAMIC.test(before)) continue
    const typeOnly = clause !== undefined && /^(?:import|export)\s+type\b/.test(clause)
    const names = typeOnly ? [] : clause === undefined ? takenFrom(before) : namesOf(clause)
    sites.push({ specifier: match[2] ?? '', line: lineAt(text, match.index), typeOnly, names })
  }
  return sites
}

/** Of `import a, { b as c, type D } from`: null, since `a` may be all of it; without the `a`, only `b`. */
function namesOf(clause: string): readonly string[] | null {
  if (clause === 'import') return []
  const [, before = '', list] = /^(?:import|export)\s+([^{]*)(?:\{([^}]*)\})?\s*from$/.exec(clause) ?? []
  if (list === undefined || before.trim() !== '') return null
  const names = list.split(',').map((part) => part.trim().split(/\s+as\s+/)[0] ?? '')
  const values = names.filter((name) => name !== '' && !name.startsWith('type '))
  return values.includes('default') ? null : values
}

/** Of `const { a, b: c } = load(`: a and b; of any other call null, and of one whose rest is kept. */
function takenFrom(before: string): readonly string[] | null {
  const list = TAKEN_APART.exec(before)?.[1]
  if (list === undefined || list.includes('...') || list.includes('[')) return null
  const names = list.split(',').map((part) => /^\s*(\w+)/.exec(part)?.[1] ?? '')
  return names.includes('default') ? null : names.filter((name) => name !== '')
}
