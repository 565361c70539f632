import { writeSync } from 'node:fs'
import { cut, escapeUnsafe } from './json-text.ts'
import { isSecretField, REDACTED, redactText } from './redact.ts'
import { createRepeatLimit, type RepeatLimit } from './repeat-limit.ts'

export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

/** Further facts of a log line; any value is rendered within bounds, an `Error` as message and code. */
export type LogFields = Readonly<Record<string, unknown>>

/** The operational log: what the program does, for the person who runs it. Never throws. */
export interface Log {
  debug(message: string, fields?: LogFields): void
  info(message: string, fields?: LogFields): void
  warn(message: string, fields?: LogFields): void
  error(message: string, fields?: LogFields): void
  /** The same log with fields that every line carries. */
  child(fields: LogFields): Log
  /** Says how many repeated lines are still held back; call it before the program ends. */
  flush(): void
}

/** What a log is made of. */
export interface LogOptions {
  /** Lines below this level are not written; asked for each line where it may change. */
  readonly level: LogLevel | (() => LogLevel)
  /** Takes one line without its line break. Default: stderr, at once. */
  readonly write?: (line: string) => void
  /** Milliseconds since the epoch. Default `Date.now`. */
  readonly now?: () => number
}

const RANK: Readonly<Record<LogLevel, number>> = { debug: 0, info: 1, warn: 2, error: 3 }
/** Longest text of one value, in UTF-16 units. */
const MAX_TEXT = 8_192
/** Longest text of all values of a line together. */
const MAX_LINE_TEXT = 32_768
const MAX_VALUES = 256
const MAX_DEPTH = 4

/** Makes the operational log: one JSON object per line with `time`, `level`, `msg` and the fields. */
export function createLog(options: LogOptions): Log {
  const now = options.now ?? Date.now
  const write = options.write ?? writeToStderr
  const { level: given } = options
  const lowest = typeof given === 'function' ? given : () => given
  const render = (level: LogLevel, message: string, fields: LogFields | undefined): string => {
    try {
      return renderLine(now(), level, message, fields, lowest() === 'debug')
    } catch {
      // A proxy or a getter that throws must not turn a report into a second failure.
      return renderLine(now(), level, message, { note: 'the fields could not be rendered' }, false)
    }
  }
  const repeats = createRepeatLimit((level, message, count) =>
    write(render(level, message, { suppressed: count, note: `suppressed ${count} lines like this` })),
  )
  return logWith({ threshold: () => RANK[lowest()], write, render, repeats, now }, undefined)
}

interface Core {
  readonly threshold: () => number
  readonly write: (line: string) => void
  readonly render: (level: LogLevel, message: string, fields: LogFields | undefined) => string
  readonly repeats: RepeatLimit
  readonly now: () => number
}

function logWith(core: Core, own: LogFields | undefined): Log {
  const emit = (level: LogLevel, message: string, fields: LogFields | undefined): void => {
    if (RANK[level] < core.threshold()) return
    core.repeats.sweep(core.now())
    // Only what may come in floods is limited; information is written by us, once.
    const limited = level === 'warn' || level === 'error'
    if (limited && !core.repeats.admit(level, message, core.now())) return
    core.write(core.render(level, message, own === undefined ? fields : { ...own, ...fields }))
  }
  return {
    debug: (message, fields) => emit('debug', message, fields),
    info: (message, fields) => emit('info', message, fields),
    warn: (message, fields) => emit('warn', message, fields),
    error: (message, fields) => emit('error', message, fields),
    child: (fields) => logWith(core, { ...own, ...fields }),
    flush: () => core.repeats.flush(),
  }
}

interface Budget {
  characters: number
  values: number
  readonly stacks: boolean
}

function renderLine(
  time: number,
  level: LogLevel,
  message: string,
  fields: LogFields | undefined,
  stacks: boolean,
): string {
  const budget: Budget = { characters: MAX_LINE_TEXT, values: MAX_VALUES, stacks }
  const head: Record<string, unknown> = { time: new Date(time).toISOString(), level, msg: boundText(message, budget) }
  const rest = fields === undefined ? {} : plainObject(fields, budget, 0)
  // The line's own names win: a field must not be able to pose as the level or the time.
  return escapeUnsafe(JSON.stringify({ ...head, ...rest, ...head }))
}

/** Plain JSON data of any value, within the line's bounds. */
function plain(value: unknown, budget: Budget, depth: number): unknown {
  if (--budget.values < 0) return '[more]'
  switch (typeof value) {
    case 'string':
      return boundText(value, budget)
    case 'number':
      return Number.isFinite(value) ? value : String(value)
    case 'bigint':
      return boundText(value.toString(), budget)
    case 'boolean':
      return value
    case 'object':
      break
    default:
      return value === undefined ? undefined : `[${typeof value}]`
  }
  if (value === null) return null
  if (depth >= MAX_DEPTH) return '[deeper]'
  if (value instanceof Error) return plainError(value, budget, depth)
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString()
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer || value instanceof SharedArrayBuffer) {
    return `[${value.byteLength} bytes]`
  }
  // A value with a secret hides it from JSON: what it says of itself counts.
  const toJson: unknown = Reflect.get(value, 'toJSON')
  if (typeof toJson === 'function') return plain(toJson.call(value), budget, depth + 1)
  if (Array.isArray(value)) return value.slice(0, MAX_VALUES).map((item) => plain(item, budget, depth + 1))
  return plainObject(value, budget, depth)
}

function plainObject(value: object, budget: Budget, depth: number): Record<string, unknown> {
  const entries: [string, unknown][] = []
  for (const name of Object.keys(value)) {
    if (budget.values <= 0) break
    // Names may come from outside as well, e.g. those of a request's headers.
    const bounded = redactText(cut(name, 128))
    if (isSecretField(name)) entries.push([bounded, REDACTED])
    else entries.push([bounded, plain(Reflect.get(value, name), budget, depth + 1)])
  }
  // fromEntries defines properties, so that a name like __proto__ is a name and nothing else.
  return Object.fromEntries(entries)
}

function plainError(error: Error, budget: Budget, depth: number): Record<string, unknown> {
  const code: unknown = Reflect.get(error, 'code')
  return {
    message: boundText(String(error.message), budget),
    ...(typeof code === 'string' || typeof code === 'number' ? { code: plain(code, budget, depth) } : {}),
    ...(error.cause === undefined ? {} : { cause: plain(error.cause, budget, depth + 1) }),
    ...(budget.stacks && typeof error.stack === 'string' ? { stack: boundText(error.stack, budget) } : {}),
  }
}

function boundText(text: string, budget: Budget): string {
  const limit = Math.min(MAX_TEXT, budget.characters)
  // Cut before the search for secrets, so that a huge text costs little; the margin keeps a secret at the cut whole.
  let shown = redactText(text.length > limit + 512 ? cut(text, limit + 512) : text)
  if (shown.length > limit) shown = cut(shown, limit)
  budget.characters -= shown.length
  return shown
}

/**
 * Straight to the descriptor: a line must be out before the process ends, and in a worker `process.stderr` goes
 * through the main thread, which may be the one in trouble.
 */
function writeToStderr(line: string): void {
  try {
    writeSync(2, `${line}\n`)
  } catch {
    // A full pipe or a closed stderr: there is nowhere left to say so, and a log must not stop what it reports on.
  }
}
