/*
 * Splits TypeScript into code, strings and comments without parsing it: enough for checks that look for words, and
 * independent of the compiler, which offers no interface to its syntax tree.
 */

/** The same text three times; what belongs to another part is blanked, so that offsets and lines agree. */
export interface SourceText {
  readonly text: string
  readonly code: string
  readonly comments: string
  readonly strings: string
}

type Part = 'code' | 'comments' | 'strings'

/** Several checks split the same texts. */
const SPLIT = new Map<string, SourceText>()

/** Splits a source text; a regular expression counts as a string, the code inside a template's `${}` as code. */
export function splitSource(text: string): SourceText {
  const known = SPLIT.get(text)
  if (known !== undefined) return known
  const source = split(text)
  SPLIT.set(text, source)
  return source
}

function split(text: string): SourceText {
  const parts: Record<Part, string[]> = { code: [], comments: [], strings: [] }
  const blank = text.replace(/[^\n]/g, ' ')
  let at = 0
  /** Where what is taken ends: from there to `at` it is code. */
  let taken = 0
  let lastCode = ''
  /** Depth of braces at which each open `${` ends. */
  const templates: number[] = []
  let braces = 0

  const add = (part: Part, end: number) => {
    if (end === taken) return
    for (const name of ['code', 'comments', 'strings'] as const) {
      parts[name].push((name === part ? text : blank).slice(taken, end))
    }
    taken = end
  }
  const take = (part: Part, end: number) => {
    add('code', at)
    add(part, end)
    at = end
  }

  while (at < text.length) {
    const char = text[at]!
    const two = text.slice(at, at + 2)
    if (two === '//' || (at === 0 && two === '#!')) take('comments', endOr(text, text.indexOf('\n', at)))
    else if (two === '/*') take('comments', endOr(text, text.indexOf('*/', at + 2), 2))
    else if (char === "'" || char === '"') {
      take('strings', endOfQuoted(text, at, char))
      lastCode = char
    } else if (char === '`' || (char === '}' && templates.at(-1) === braces)) {
      if (char === '}') templates.pop()
      const end = endOfTemplatePart(text, at)
      if (text.endsWith('${', end) && text[end - 1] === '{') templates.push(braces)
      take('strings', end)
      lastCode = text[end - 1] === '{' ? '{' : '`'
    } else if (char === '/' && startsRegExp(lastCode, text.slice(Math.max(taken, at - 16), at))) {
      take('strings', endOfRegExp(text, at))
      lastCode = '/'
    } else {
      if (char === '{') braces++
      if (char === '}') braces--
      if (char.trim() !== '') lastCode = char
      at++
    }
  }
  add('code', at)
  return { text, code: parts.code.join(''), comments: parts.comments.join(''), strings: parts.strings.join('') }
}

/** The line, from 1, of an offset in a text. */
export function lineAt(text: string, offset: number): number {
  let line = 1
  for (let at = text.indexOf('\n'); at !== -1 && at < offset; at = text.indexOf('\n', at + 1)) line++
  return line
}

function endOr(text: string, found: number, length = 0): number {
  return found === -1 ? text.length : found + length
}

function endOfQuoted(text: string, start: number, quote: string): number {
  for (let at = start + 1; at < text.length; at++) {
    if (text[at] === '\\') at++
    else if (text[at] === quote || text[at] === '\n') return at + 1
  }
  return text.length
}

/** The end of a template's literal part: after its closing backtick, or after the `${` that opens code. */
function endOfTemplatePart(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    if (text[at] === '\\') at++
    else if (text[at] === '`') return at + 1
    else if (text[at] === '$' && text[at + 1] === '{') return at + 2
  }
  return text.length
}

function endOfRegExp(text: string, start: number): number {
  let inClass = false
  for (let at = start + 1; at < text.length; at++) {
    const char = text[at]
    if (char === '\\') at++
    else if (char === '\n') return at
    else if (char === '[') inClass = true
    else if (char === ']') inClass = false
    else if (char === '/' && !inClass) return at + 1
  }
  return text.length
}

/** A slash after a value divides; after an operator, an opening bracket or a keyword it opens a regular expression. */
function startsRegExp(lastCode: string, code: string): boolean {
  if (!/[\w$)\]'"`/}]/.test(lastCode)) return true
  return /(?:^|[^\w$.])(?:return|typeof|case|in|of|await|yield|void|throw)\s*$/.test(code)
}
