import { closeSync, fstatSync, openSync, write } from 'node:fs'

/** Where lines go. */
export interface LineSinkOptions {
  /** `stdout`, `stderr`, or the path of a file that is appended to. */
  readonly output: string
  /** Longest time that a line waits, in milliseconds. */
  readonly flushMs?: number
  /** Lines are written at once when this many characters wait. */
  readonly flushCharacters?: number
  /** Most characters that wait, those being written included; further lines are dropped and counted. */
  readonly maxCharacters?: number
  /** Makes the line that says how many were dropped. */
  readonly droppedLine: (count: number) => string
}

/**
 * Writes of at most this many bytes to a pipe are whole or not at all (POSIX PIPE_BUF, Linux), so that lines of several
 * workers do not mix. Local stream sockets keep them in one buffer as well.
 */
const PIPE_BYTES = 4_096
const RETRY_MS = 50
/** Of a sink that is seldom written to; it grows with what is written at once. */
const FIRST_MEMORY_BYTES = 4_096
/** Four times what a busy sink writes at once; what a slow reader let grow further is not kept. */
const MAX_MEMORY_BYTES = 262_144

/**
 * Lines to a file descriptor, buffered and bounded, from any thread. Never blocks the event loop and never throws
 * after construction: a reader that is slow costs memory up to the bound, then lines, which are counted.
 *
 * It writes with `fs.write` and not with `process.stdout`, which in a worker goes through the main thread.
 */
export class LineSink {
  readonly #options: Required<LineSinkOptions>
  #descriptor: number
  #pipe: boolean
  /** Whole lines that wait, and how many of them are due to be written now. */
  #lines: string[] = []
  #due = 0
  #characters = 0
  /** What is being written, and how much of it was. */
  #chunk: Buffer | null = null
  #memory = Buffer.allocUnsafeSlow(FIRST_MEMORY_BYTES)
  #written = 0
  #chunkCharacters = 0
  #chunkLines = 0
  #writing = false
  /** The last write ended inside a line: the next begins with a line break. */
  #torn = false
  #timer: NodeJS.Timeout | undefined
  #nextDescriptor: number | null = null
  #dropped = 0
  #droppedTotal = 0
  #closed = false
  #idle: (() => void)[] = []

  /** Opens the output; throws what `fs.openSync` throws when that fails. */
  constructor(options: LineSinkOptions) {
    this.#options = { flushMs: 100, flushCharacters: 65_536, maxCharacters: 4_194_304, ...options }
    this.#descriptor = openOutput(options.output)
    this.#pipe = isPipe(this.#descriptor)
  }

  /** Lines that were dropped so far. */
  get dropped(): number {
    return this.#droppedTotal
  }

  /** Takes one line without its line break. */
  push(line: string): void {
    if (this.#closed || this.#characters + this.#chunkCharacters + line.length >= this.#options.maxCharacters) {
      this.#drop(1)
      return
    }
    this.#lines.push(line)
    this.#characters += line.length + 1
    if (this.#characters >= this.#options.flushCharacters) this.#start()
    else this.#timer ??= setTimeout(this.#onTimer, this.#options.flushMs).unref()
  }

  /** Opens a file anew, after it was moved away; returns the error when that fails, and goes on with the old file. */
  reopen(): Error | null {
    if (this.#closed || isStandard(this.#options.output)) return null
    let descriptor: number
    try {
      descriptor = openOutput(this.#options.output)
    } catch (error) {
      return error as Error // openSync throws nothing else
    }
    if (this.#nextDescriptor !== null) closeSync(this.#nextDescriptor)
    this.#nextDescriptor = descriptor
    if (!this.#writing) this.#swapDescriptor()
    return null
  }

  /** Resolves when all that was pushed is written or dropped. A reader that never reads delays it: use a deadline. */
  flush(): Promise<void> {
    return new Promise((resolve) => {
      this.#idle.push(resolve)
      this.#start()
    })
  }

  /** Writes what waits and closes the file; gives up after `timeoutMs`. Lines pushed later are dropped. */
  async close(timeoutMs = 1_000): Promise<void> {
    if (this.#closed) return
    let deadline: NodeJS.Timeout | undefined
    const late = new Promise<void>((resolve) => {
      deadline = setTimeout(resolve, timeoutMs)
    })
    await Promise.race([this.flush(), late])
    clearTimeout(deadline)
    clearTimeout(this.#timer)
    this.#closed = true
    for (const resolve of this.#idle.splice(0)) resolve()
    // A descriptor with a write under way must stay open: its number could be given to something else.
    if (!this.#writing) this.#closeDescriptor()
  }

  readonly #onTimer = (): void => {
    this.#timer = undefined
    this.#start()
  }

  #start(): void {
    if (this.#dropped > 0) {
      const line = this.#options.droppedLine(this.#dropped)
      this.#dropped = 0
      this.#lines.push(line)
      this.#characters += line.length + 1
    }
    this.#due = this.#lines.length
    if (!this.#writing) this.#pump()
  }

  /** Writes what is due; what came later waits for its own turn, so that a busy sink makes few large writes. */
  #pump(): void {
    if (this.#chunk !== null || this.#takeChunk()) {
      this.#write()
      return
    }
    for (const resolve of this.#idle.splice(0)) resolve()
    if (this.#lines.length > 0) this.#timer ??= setTimeout(this.#onTimer, this.#options.flushMs).unref()
  }

  /** Makes the next chunk of what is due: everything, or for a pipe as many whole lines as it takes at once. */
  #takeChunk(): boolean {
    if (this.#due === 0) return false
    const lines = this.#lines.splice(0, this.#pipe ? Math.min(countThatFit(this.#lines), this.#due) : this.#due)
    this.#due -= lines.length
    this.#chunkLines = lines.length
    // As a line of its own: a break that is added to the text afterwards would have all of it copied again.
    lines.push('')
    const text = lines.join('\n')
    this.#chunk = this.#encode(this.#torn ? `\n${text}` : text)
    this.#torn = false
    this.#written = 0
    this.#chunkCharacters = text.length
    this.#characters -= text.length
    return true
  }

  /** The text in the sink's own memory: one chunk is written at a time. */
  #encode(text: string): Buffer {
    const length = Buffer.byteLength(text)
    if (length > MAX_MEMORY_BYTES) return Buffer.from(text)
    if (length > this.#memory.length) this.#memory = Buffer.allocUnsafeSlow(2 ** Math.ceil(Math.log2(length)))
    this.#memory.write(text)
    return this.#memory.subarray(0, length)
  }

  #write(): void {
    const chunk = this.#chunk
    if (chunk === null) return
    this.#writing = true
    write(this.#descriptor, chunk, this.#written, chunk.length - this.#written, null, (error, bytes) => {
      this.#writing = false
      if (error === null) this.#written += bytes
      if (error !== null && error.code === 'EAGAIN') {
        // The pipe is full; what waits grows up to its bound meanwhile.
        this.#timer ??= setTimeout(this.#onTimer, RETRY_MS).unref()
        return
      }
      if (error !== null) {
        this.#torn = this.#written > 0 && chunk[this.#written - 1] !== 0x0a
        this.#drop(this.#chunkLines)
      }
      if (error !== null || this.#written === chunk.length) {
        this.#chunk = null
        this.#chunkCharacters = 0
      }
      if (this.#chunk === null) this.#swapDescriptor()
      // A full disk or a reader that went away: what waits is tried again at the usual pace, not at once.
      if (error !== null) this.#due = 0
      if (this.#closed) this.#closeDescriptor()
      else this.#pump()
    })
  }

  #drop(count: number): void {
    this.#dropped += count
    this.#droppedTotal += count
  }

  #swapDescriptor(): void {
    if (this.#nextDescriptor === null) return
    closeSync(this.#descriptor)
    this.#descriptor = this.#nextDescriptor
    this.#nextDescriptor = null
    this.#pipe = isPipe(this.#descriptor)
  }

  #closeDescriptor(): void {
    this.#swapDescriptor()
    if (!isStandard(this.#options.output)) closeSync(this.#descriptor)
  }
}

function countThatFit(lines: readonly string[]): number {
  let bytes = 0
  let count = 0
  for (const line of lines) {
    bytes += Buffer.byteLength(line) + 1
    if (count > 0 && bytes > PIPE_BYTES) break
    count++
  }
  return count
}

function isStandard(output: string): boolean {
  return output === 'stdout' || output === 'stderr'
}

function openOutput(output: string): number {
  if (output === 'stdout') return 1
  if (output === 'stderr') return 2
  return openSync(output, 'a', 0o640)
}

function isPipe(descriptor: number): boolean {
  try {
    const status = fstatSync(descriptor)
    // systemd and many parent processes give a socket instead of a pipe.
    return status.isFIFO() || status.isSocket()
  } catch {
    // A descriptor that is closed (`ferro >&-`) fails at the first write, where it is counted.
    return false
  }
}
