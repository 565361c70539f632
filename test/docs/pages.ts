import { globSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

/** The repository's root. */
export const ROOT = resolve(import.meta.dirname, '../..')

/** A fenced block of a page. */
export interface Block {
  /** First word behind the fence: `sh`, `yaml`, `ts`, `json`, `text`; empty when there is none. */
  readonly language: string
  readonly text: string
  /** `docs/errors.md:12`: where its first line stands. */
  readonly place: string
  /** The block before it in the same section, or null. */
  readonly before: Block | null
}

/** One page of the documentation. */
export interface Page {
  /** From the root. */
  readonly path: string
  readonly text: string
  readonly blocks: readonly Block[]
  /** Anchors of its headings, as GitHub makes them. */
  readonly anchors: ReadonlySet<string>
  /** Targets of its links. */
  readonly links: readonly string[]
}

/** Every page that a person may be reading. */
export function readPages(): readonly Page[] {
  return globSync(['*.md', 'docs/**/*.md', 'bench/*.md'], { cwd: ROOT })
    .sort()
    .map((path) => readPage(path))
}

/** One page. */
export function readPage(path: string): Page {
  const text = readFileSync(join(ROOT, path), 'utf8')
  const blocks: Block[] = []
  const prose: string[] = []
  let fence: { language: string; line: number; lines: string[] } | null = null
  let last: Block | null = null
  for (const [index, line] of text.split('\n').entries()) {
    const mark = /^```(\S*)/.exec(line)
    if (fence === null && mark === null) {
      if (line.startsWith('#')) last = null
      prose.push(line)
    } else if (fence === null) fence = { language: mark?.[1] ?? '', line: index + 2, lines: [] }
    else if (mark === null) fence.lines.push(line)
    else {
      last = { language: fence.language, text: fence.lines.join('\n'), place: `${path}:${fence.line}`, before: last }
      blocks.push(last)
      fence = null
    }
  }
  if (fence !== null) throw new Error(`${path}:${fence.line}: the block has no end`)
  const plain = prose.join('\n')
  const headings = [...plain.matchAll(/^#+ +(.+)$/gm)].map((match) => anchorOf(match[1] ?? ''))
  const links = [...plain.replaceAll(/`[^`\n]*`/g, '').matchAll(/\]\(([^)\s]+)\)/g)].map((match) => match[1] ?? '')
  return { path, text, blocks, anchors: new Set(headings), links }
}

/** Rows of the tables of a page, each as its cells, without headings; `heading` limits them to one section. */
export function tableRows(page: Page, heading?: string): readonly (readonly string[])[] {
  const sections = page.text.split(/^(?=#+ )/m)
  const text = heading === undefined ? page.text : sections.find((each) => each.startsWith(`${heading}\n`))
  if (text === undefined) throw new Error(`${page.path} has no section "${heading}"`)
  const lines = text.split('\n')
  return lines
    .filter((line, index) => line.startsWith('|') && !isRule(line) && !isRule(lines[index + 1] ?? ''))
    .map((line) => line.split('|').slice(1, -1))
    .map((cells) => cells.map((cell) => cell.trim()))
}

/** The texts in code marks of a cell. */
export function codesIn(cell: string): string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? '')
}

function isRule(line: string): boolean {
  return /^\|[ :|-]+\|$/.test(line)
}

function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-')
}
