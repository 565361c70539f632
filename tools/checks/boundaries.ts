import { isBuiltin } from 'node:module'
import path from 'node:path'
import { BUILTINS, DOORS, GLOBALS, type ImportRow, LIB_BUILTINS, MODULES, PACKAGES } from '../boundaries.ts'
import type { Finding } from '../finding.ts'
import { findImports, type ImportSite } from '../imports.ts'
import { isTestFile, isTypeScript, type SourceFile } from '../source-files.ts'
import { lineAt, splitSource } from '../source-text.ts'

const SHORTEST_PARAGRAPH = 80

/** Holds `src/` against the table of walls: direction, deep imports, circles, packages, built-ins and globals by row. */
export function checkBoundaries(files: readonly SourceFile[]): readonly Finding[] {
  const sources = files.filter(({ file }) => file.startsWith('src/') && isTypeScript(file))
  const graph = new Map<string, ImportSite[]>()
  const findings: Finding[] = []
  for (const { file, text } of sources) {
    const sites = findImports(text)
    graph.set(file, sites)
    findings.push(...placeFindings(file, text), ...sites.flatMap((site) => importFindings(file, site)))
    findings.push(...globalFindings(file, text))
  }
  return [...findings, ...circleFindings(graph)]
}

function placeFindings(file: string, text: string): readonly Finding[] {
  const module = moduleOf(file)
  if (!MODULES.includes(module)) {
    return [
      { file, line: 0, what: `src/${module} has no row`, remedy: 'add the module to MODULES in tools/boundaries.ts' },
    ]
  }
  if (file !== `src/${module}/index.ts`) return []
  const opening = /^\/\*[\s\S]*?\*\/|^(?:\/\/.*\n)+/.exec(text)?.[0] ?? ''
  if (opening.length >= SHORTEST_PARAGRAPH) return []
  const remedy = 'open it with a comment: what the module is, what it is not, where to start reading'
  return [{ file, line: 1, what: "a module's index.ts without its paragraph", remedy }]
}

function importFindings(file: string, site: ImportSite): readonly Finding[] {
  const fault = site.specifier.startsWith('.') ? relativeFault(file, site) : packageFault(file, site)
  return fault === null ? [] : [{ file, line: site.line, ...fault }]
}

type Fault = Pick<Finding, 'what' | 'remedy'> | null

function relativeFault(file: string, site: ImportSite): Fault {
  const target = path.posix.join(path.posix.dirname(file), site.specifier)
  if (!target.startsWith('src/')) {
    if (isTestFile(file)) return null
    return { what: `imports ${target}, which is outside src/`, remedy: 'move what is shared into a module' }
  }
  const from = moduleOf(file)
  const to = moduleOf(target)
  if (from === to) return null
  if (MODULES.indexOf(to) < MODULES.indexOf(from)) {
    const remedy = `hand it in from outside, or move it to a module that both may import (order: ${MODULES.join(' > ')})`
    return { what: `${from} must not know ${to} (${site.specifier})`, remedy }
  }
  if (target === `src/${to}/index.ts`) return null
  const door = DOORS.find(({ name }) => name === target)
  if (door !== undefined) return isTestFile(file) ? null : rowFault(file, door)
  return { what: `deep import of ${target}`, remedy: `import from src/${to}/index.ts, and export it there` }
}

function packageFault(file: string, { specifier, names }: ImportSite): Fault {
  if (isTestFile(file)) return null
  if (isBuiltin(specifier)) {
    if (!specifier.startsWith('node:')) {
      return { what: `built-in ${specifier} without its prefix`, remedy: `write node:${specifier}` }
    }
    const name = specifier.split('/')[0] ?? specifier
    if (moduleOf(file) === 'lib' && !LIB_BUILTINS.includes(name)) {
      return {
        what: `lib must not import ${specifier}`,
        remedy: 'hand it in, or move the file to a module that does I/O',
      }
    }
    const rows = BUILTINS.filter((candidate) => candidate.name === name && concerns(candidate, names))
    return rows.map((row) => rowFault(file, row)).find((fault) => fault !== null) ?? null
  }
  const name = specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')
  const row = PACKAGES.find((candidate) => candidate.name === name)
  if (row !== undefined) return rowFault(file, row)
  return { what: `package ${name} has no row`, remedy: 'do without it, or add it to PACKAGES in tools/boundaries.ts' }
}

/** What imports a module as a whole imports every export. */
function concerns({ exports }: ImportRow, names: ImportSite['names']): boolean {
  return exports === undefined || names === null || names.some((name) => exports.includes(name))
}

function globalFindings(file: string, text: string): readonly Finding[] {
  if (isTestFile(file)) return []
  const { code } = splitSource(text)
  return GLOBALS.flatMap((row) => {
    const fault = rowFault(file, row)
    if (fault === null) return []
    // Where it is named as itself: no member of something else, no key.
    const uses = code.matchAll(
      new RegExp(`(?<![\\w$.])${row.name}(?=\\s*[(,;)]|\\s*$)|globalThis\\.${row.name}\\b`, 'gm'),
    )
    return [...uses].map(({ index }) => ({ file, line: lineAt(text, index), ...fault }))
  })
}

function rowFault(file: string, row: ImportRow): Fault {
  if (row.from.some((pattern) => path.matchesGlob(file, pattern.endsWith('/') ? `${pattern}**` : pattern))) return null
  const where = row.from.length === 0 ? 'nowhere' : `only in ${row.from.join(', ')}`
  const what = row.exports === undefined ? row.name : `${row.exports.join(', ')} of ${row.name}`
  return { what: `${what} may be used ${where} (${row.reason})`, remedy: 'go through the module that owns it' }
}

function moduleOf(file: string): string {
  return file.split('/')[1] ?? ''
}

/** Finds circles of value imports; those of types vanish before the program runs. */
function circleFindings(graph: ReadonlyMap<string, readonly ImportSite[]>): readonly Finding[] {
  const findings: Finding[] = []
  const done = new Set<string>()
  const walk = (file: string, trail: readonly string[]) => {
    const start = trail.indexOf(file)
    if (start !== -1) {
      const circle = [...trail.slice(start), file].join(' > ')
      findings.push({ file, line: 0, what: `circle: ${circle}`, remedy: 'move what both need into a third file' })
      return
    }
    if (done.has(file)) return
    for (const site of graph.get(file) ?? []) {
      if (site.typeOnly || !site.specifier.startsWith('.')) continue
      walk(path.posix.join(path.posix.dirname(file), site.specifier), [...trail, file])
    }
    done.add(file)
  }
  for (const file of graph.keys()) walk(file, [])
  return findings
}
