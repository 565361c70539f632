import type { Outcome } from '../storage/index.ts'
import { type AccessFormat, type AccessFormatName, compileAccessFormat } from './access-format.ts'
import { LineSink } from './line-sink.ts'

/** Level of an access log line: `info` for success, `warn` for what was refused or left, `error` for faults. */
export type AccessLevel = 'info' | 'warn' | 'error'

/** What an access log is made of. */
export interface AccessLogOptions {
  /** `stdout`, `stderr`, `off`, or the path of a file that is appended to. */
  readonly output: string
  /** `json` unless told. */
  readonly format?: AccessFormatName
  /** Lines below this level are not written. */
  readonly level: AccessLevel
  /** Share of `info` lines that are written, 0 to 1. Others are always written. */
  readonly sample?: number
  /** A number from 0 up to 1, for sampling. Default `Math.random`. */
  readonly random?: () => number
  /** Milliseconds since the epoch. Default `Date.now`. */
  readonly now?: () => number
}

const LEVEL_OF_OUTCOME: Readonly<Record<Outcome, AccessLevel>> = {
  success: 'info',
  refused: 'warn',
  cancelled: 'warn',
  drained: 'warn',
  upstream_error: 'error',
  timeout: 'error',
  gateway_error: 'error',
  lost: 'error',
}
const RANK: Readonly<Record<AccessLevel, number>> = { info: 0, warn: 1, error: 2 }

/**
 * Level of a request's line: by how it ended, and at least `warn` when the client got a status of 400 or more, at
 * least `error` from 500 on.
 */
export function accessLevel(outcome: Outcome, status: number): AccessLevel {
  const level: AccessLevel = LEVEL_OF_OUTCOME[outcome]
  if (status >= 500) return 'error'
  return status >= 400 && level === 'info' ? 'warn' : level
}

/** One line per request: JSON from the text that `RecordEncoder` made, or a text. */
export class AccessLog {
  readonly #sink: LineSink | null
  readonly #rank: number
  readonly #sample: number
  /** Null for JSON. */
  readonly format: AccessFormat | null
  readonly #random: () => number
  /** Beginning of a line by level; the record's fields follow. */
  readonly #prefix: Readonly<Record<AccessLevel, string>> = {
    info: '{"level":"info","msg":"request",',
    warn: '{"level":"warn","msg":"request",',
    error: '{"level":"error","msg":"request",',
  }

  /** Opens the output; throws what `fs.openSync` throws when that fails. */
  constructor(options: AccessLogOptions) {
    const now = options.now ?? Date.now
    this.format = compileAccessFormat(options.format ?? 'json')
    this.#rank = RANK[options.level]
    this.#sample = options.sample ?? 1
    this.#random = options.random ?? Math.random
    this.#sink =
      options.output === 'off'
        ? null
        : new LineSink({
            output: options.output,
            droppedLine: (count) =>
              this.format !== null
                ? `# access log dropped ${count} lines`
                : `{"level":"warn","msg":"access log dropped ${count} lines","time":${now()},"dropped":${count}}`,
          })
  }

  /** Lines that were dropped because the reader was slow or the disk full. */
  get dropped(): number {
    return this.#sink?.dropped ?? 0
  }

  /** Decides level and sampling, before any text is made; ask once per request. */
  wants(level: AccessLevel): boolean {
    if (this.#sink === null || RANK[level] < this.#rank) return false
    return level !== 'info' || this.#sample >= 1 || this.#random() < this.#sample
  }

  /** Takes a line of `format`. */
  writeText(line: string): void {
    this.#sink?.push(line)
  }

  /** Takes the members of a record for which `wants` said yes; `more` is JSON text of further members, or empty. */
  write(members: string, level: AccessLevel, more = ''): void {
    const prefix = this.#prefix[level]
    this.#sink?.push(more === '' ? `${prefix}${members}}` : `${prefix}${members},${more}}`)
  }

  /** Opens the file anew (for log rotation); returns the error when that fails, and goes on with the old file. */
  reopen(): Error | null {
    return this.#sink?.reopen() ?? null
  }

  /** Resolves when what was written has reached the output. */
  async flush(): Promise<void> {
    await this.#sink?.flush()
  }

  /** Writes what waits and closes; gives up after `timeoutMs`. */
  async close(timeoutMs?: number): Promise<void> {
    await this.#sink?.close(timeoutMs)
  }
}
