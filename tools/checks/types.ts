import type { Finding } from '../finding.ts'
import { isTestFile, isTypeScript, type SourceFile } from '../source-files.ts'
import { lineAt, type SourceText, splitSource } from '../source-text.ts'

/**
 * Finds `any` everywhere, and casts outside tests, that no comment on the same line or the one above explains.
 * `as const`, `as unknown` and the `as` of imports and exports need none.
 */
export function checkCasts(files: readonly SourceFile[]): readonly Finding[] {
  return files.filter(({ file }) => isTypeScript(file)).flatMap(castFindings)
}

function castFindings({ file, text }: SourceFile): readonly Finding[] {
  const source = splitSource(text)
  const code = source.code.replace(
    /\b(?:import|export)\b(?:\s+type)?\s*(?:\w+\s*,\s*)?(?:\{[^}]*\}|\*\s*as\s+\w+)/g,
    blank,
  )
  const anys = [...code.matchAll(/(?<![.\w$])any(?![\w$]|\s*[(:])/g)].map(({ index }) => ({ index, what: '`any`' }))
  const casts = [...code.matchAll(/(?<![.\w$])as\s+(?!const\b|unknown\b|any\b)(?=[\w$({[])/g)].map(({ index }) => ({
    index,
    what: 'a cast',
  }))
  return [...anys, ...(isTestFile(file) ? [] : casts)]
    .map(({ index, what }) => ({ line: lineAt(text, index), what }))
    .filter(({ line }) => !isExplained(source, line))
    .map(({ line, what }) => ({
      file,
      line,
      what: `${what} without a reason`,
      remedy: 'narrow the value, or say in a comment on the same line or the one above why it is true',
    }))
}

/** Finds default exports: a thing has one name, its own. */
export function checkDefaultExports(files: readonly SourceFile[]): readonly Finding[] {
  return files
    .filter(({ file }) => isTypeScript(file))
    .flatMap(({ file, text }) =>
      [...splitSource(text).code.matchAll(/\bexport\s+default\b|\bas\s+default\b/g)].map(({ index }) => ({
        file,
        line: lineAt(text, index),
        what: 'a default export',
        remedy: 'export it by its name',
      })),
    )
}

function isExplained(source: SourceText, line: number): boolean {
  const comments = source.comments.split('\n')
  const here = comments[line - 1] ?? ''
  const above = comments[line - 2] ?? ''
  return here.trim() !== '' || above.trim() !== ''
}

function blank(text: string): string {
  return text.replace(/[^\n]/g, ' ')
}
