import { formatPath, type Path, type Position } from './position.ts'

/** One thing that is wrong with a configuration, and where. */
export interface ConfigError {
  /** The file, as the person named it. */
  readonly file: string
  /** 1-based. */
  readonly line: number
  /** 1-based, in UTF-16 units. */
  readonly column: number
  /** For example `models.fast-chat.targets[0].provider`; empty when the whole file is meant. */
  readonly path: string
  /** What is wrong and what would be right. Never holds the value of a secret. */
  readonly message: string
  /** What was probably meant: the right word alone. */
  readonly suggestion?: string
}

/** Builds an error at a position. */
export function configError(
  file: string,
  at: Position & { readonly path: Path },
  about: { readonly message: string; readonly suggestion?: string | null },
): ConfigError {
  const { message, suggestion } = about
  const error = {
    file,
    line: at.line,
    column: at.column,
    path: printable(formatPath(at.path)),
    message: printable(message),
  }
  return suggestion === undefined || suggestion === null ? error : { ...error, suggestion }
}

const LONGEST_MESSAGE = 500
const CONTROL_CHARACTERS = /[\p{Cc}\u2028\u2029]/gu

/** Names from a file may hold anything; what is shown holds no control characters and is bounded. */
function printable(text: string): string {
  const bounded = text.length > LONGEST_MESSAGE ? `${text.slice(0, LONGEST_MESSAGE)}…` : text
  return bounded.replaceAll(
    CONTROL_CHARACTERS,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

/** Sorts errors by their place in the file and drops repetitions. */
export function sortErrors(errors: readonly ConfigError[]): ConfigError[] {
  const unique = new Map(errors.map((error) => [`${error.line}:${error.column}:${error.path}:${error.message}`, error]))
  return [...unique.values()].sort((a, b) => a.line - b.line || a.column - b.column)
}

/** More than this many errors say nothing new, and would scroll the first ones away. */
const RENDERED_ERRORS = 100
const SHOWN_COLUMNS = 100

/**
 * The errors for a terminal: `file:line:column: key path: message`, each followed by the line of `text` with a caret.
 * What may be a secret in that line is shown as asterisks.
 */
export function renderErrors(errors: readonly ConfigError[], text: string): string {
  const lines = text.replace(/^\uFEFF/, '').split(/\r\n|\n|\r/)
  const rendered = errors.slice(0, RENDERED_ERRORS).map((error) => {
    const source = lines[error.line - 1] ?? ''
    const shown = source.trim() === '' ? '' : excerpt(error, source)
    return `${headline(error)}\n${shown}`
  })
  if (errors.length > RENDERED_ERRORS) rendered.push(`… and ${errors.length - RENDERED_ERRORS} more errors\n`)
  return rendered.join('')
}

function headline(error: ConfigError): string {
  const path = error.path === '' ? '' : `${error.path}: `
  const hint = error.suggestion === undefined ? '' : ` (did you mean \`${error.suggestion}\`?)`
  return `${error.file}:${error.line}:${error.column}: ${path}${error.message}${hint}`
}

/** A window of the line around the column, so that a file of one long line stays readable. */
function excerpt(error: ConfigError, source: string): string {
  const start = Math.max(0, error.column - 1 - SHOWN_COLUMNS / 2)
  const secretAt = secretStart(error, source)
  const masked = maskSecrets(source)
  const window = (secretAt === null ? masked : maskFrom(masked, source, secretAt))
    .slice(start, start + SHOWN_COLUMNS)
    // A terminal would obey control characters.
    .replaceAll(CONTROL_CHARACTERS, ' ')
  const number = String(error.line)
  return `  ${number} | ${window}\n  ${' '.repeat(number.length)} | ${' '.repeat(error.column - 1 - start)}^\n`
}

/** Where in the line the value of a secret begins that the error is about, also under a misspelt name; else null. */
function secretStart({ path, suggestion, column }: ConfigError, source: string): number | null {
  if (isSecretPath(path)) return column - 1
  if (suggestion === undefined || !isSecretPath(`.${suggestion}`)) return null
  const [name = ''] = /^[^:=]*[:=]\s*/.exec(source.slice(column - 1)) ?? []
  return column - 1 + name.length
}

/** Everything below `headers`, and every key that holds a secret by its name. */
function isSecretPath(path: string): boolean {
  return /\.headers\b|\.api_key\b|\.organization\b|(?:^|\.)hash$|^storage\b/.test(path)
}

const SECRET_VALUE =
  /([\w-]*(?:key|token|secret|password|passwd|authorization|credential|cookie|hash|auth)[\w-]*["']?\s*[:=]\s*)('''.*?(?:'''|$)|""".*?(?:"""|$)|"(?:[^"\\]|\\.)*"?|'[^']*'?|(?:\$\{\w+\}|\{env\.\w+\}|\{\$\w+\}|[^\s,{}[\]#])[^,}\]#]*)/gi
const TEXT_LOOKING_LIKE_A_SECRET =
  /\b(?:sk|pk|fk|rk|xox[a-z]|gh[a-z]|AIza|eyJ)[-_A-Za-z0-9]{12,}|(?<=:\/\/)[^/@\s]+(?=@)|(?<=\bBearer\s)\S+/g

/** A line of one bare word may be the rest of a value that began on the line before. */
const BARE_WORD = /^\s*[^\s:=[\]{}#-][^\s:=]*\s*$/

/** Overwrites with asterisks, so that columns stay where they are. */
function maskSecrets(line: string): string {
  if (BARE_WORD.test(line)) return line.replaceAll(/\S+/g, mask)
  return line
    .replaceAll(SECRET_VALUE, (_match, introduction: string, value: string) => introduction + mask(value))
    .replaceAll(TEXT_LOOKING_LIKE_A_SECRET, mask)
}

/** Where the error is about a secret itself: all from there to the end of the line, unless it is a mere reference. */
function maskFrom(masked: string, source: string, start: number): string {
  if (REFERENCE_TO_COME.test(source.slice(start))) return masked
  return masked.slice(0, start) + masked.slice(start).replaceAll(/\S/g, '*')
}

const NAMED = String.raw`(?:\$\{\w+\}|\{env\.\w+\}|\{\$\w+\})`
/** In quotes, or alone on its line: behind anything else the text may go on. */
const REFERENCE_TO_COME = new RegExp(`^(?:"${NAMED}"|'${NAMED}'|${NAMED}\\s*$)`)
const REFERENCE = new RegExp(`^(["']?)${NAMED}\\1\\s*$`)
/** Numbers and the words of YAML that are no text: budgets have `tokens`. */
const NO_TEXT = /^(?:[-+]?[\d_.]+(?:e[-+]?\d+)?|[-+]?\.inf|\.nan|true|false|null|~)\s*$/i

function mask(value: string): string {
  return NO_TEXT.test(value) || REFERENCE.test(value) ? value : '*'.repeat(value.length)
}
