import { lineAt, splitSource } from './source-text.ts'

/** One import, re-export or dynamic import of a file. */
export interface ImportSite {
  readonly specifier: string
  /** From 1. */
  readonly line: number
  /** True when nothing of it is left after type stripping. */
  readonly typeOnly: boolean
}

// In the code part the specifier is blank: what is left of `import { a } from 'x'` is `import { a } from    `.
const STATIC = /(?:^|[\n;}])[ \t]*((?:import|export)\b(?:(?!\n[ \t]*(?:import|export)\b)[^'"`;()=])*?\bfrom|import)\s*$/
const DYNAMIC = /\bimport\s*\(\s*$/

/** Finds the imports of a source text; an `import()` whose argument is not a plain string is not seen. */
export function findImports(text: string): ImportSite[] {
  const { code, strings } = splitSource(text)
  const sites: ImportSite[] = []
  for (const match of strings.matchAll(/(['"])([^'"\n]+)\1/g)) {
    const before = code.slice(Math.max(0, match.index - 4000), match.index)
    const clause = STATIC.exec(before)?.[1]
    if (clause === undefined && !DYNAMIC.test(before)) continue
    const typeOnly = clause !== undefined && /^(?:import|export)\s+type\b/.test(clause)
    sites.push({ specifier: match[2] ?? '', line: lineAt(text, match.index), typeOnly })
  }
  return sites
}
