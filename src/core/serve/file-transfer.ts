import { read } from 'node:fs'
import type { DispatchController, ResponseHandler } from '../phases.ts'
import type { BodyPart, FileAnswer } from './file-answer.ts'
import { closeFile } from './open-file.ts'

/** How much is read at a time, and how much of a file is in memory. */
export const PIECE_BYTES = 65_536

export interface TransferOptions {
  readonly fd: number | null
  readonly parts: readonly BodyPart[]
  /** The answer cannot be sent to its end. */
  readonly onFailure: (error: Error) => void
}

/** Sends one answer, piece by piece, as fast as the client takes it; the file is closed at its end, however that comes. */
export class FileTransfer implements DispatchController {
  readonly #handler: ResponseHandler
  readonly #parts: readonly BodyPart[]
  readonly #onFailure: (error: Error) => void
  #fd: number | null
  #part = 0
  /** Where in the current range the next piece begins. */
  #offset = -1
  #reading = false
  #paused = false
  #stopped = false

  constructor(handler: ResponseHandler, { fd, parts, onFailure }: TransferOptions) {
    this.#handler = handler
    this.#fd = fd
    this.#parts = parts
    this.#onFailure = onFailure
  }

  begin({ status, headers }: Pick<FileAnswer, 'status' | 'headers'>): void {
    this.#handler.onResponseStart(this, status, headers)
    this.#goOn()
  }

  pause(): void {
    this.#paused = true
  }

  resume(): void {
    if (!this.#paused) return
    this.#paused = false
    this.#goOn()
  }

  /** The client has left, or the request was ended. */
  abort(): void {
    this.#stopped = true
    if (!this.#reading) this.#close()
  }

  #goOn(): void {
    while (!this.#stopped && !this.#paused && !this.#reading) {
      const part = this.#parts[this.#part]
      if (part === undefined) {
        this.#stopped = true
        this.#close()
        return this.#handler.onResponseEnd(this, null)
      }
      if (!Buffer.isBuffer(part)) return this.#read(part.start, part.end)
      this.#part++
      this.#handler.onResponseData(this, part)
    }
  }

  #read(start: number, end: number): void {
    if (this.#fd === null) return this.#fail(new Error('there is no file to read from'))
    if (this.#offset < start) this.#offset = start
    const length = Math.min(PIECE_BYTES, end - this.#offset)
    this.#reading = true
    read(this.#fd, Buffer.allocUnsafe(length), 0, length, this.#offset, (error, bytes, buffer) => {
      this.#reading = false
      if (this.#stopped) return this.#close()
      if (error !== null) return this.#fail(error)
      // Shorter than when it was opened: the length that the client was told cannot be kept.
      if (bytes === 0) return this.#fail(new Error('the file became shorter while it was sent'))
      this.#offset += bytes
      if (this.#offset === end) {
        this.#offset = -1
        this.#part++
      }
      this.#handler.onResponseData(this, bytes === buffer.length ? buffer : buffer.subarray(0, bytes))
      this.#goOn()
    })
  }

  #fail(error: Error): void {
    this.#stopped = true
    this.#close()
    this.#onFailure(error)
  }

  #close(): void {
    if (this.#fd === null) return
    closeFile(this.#fd)
    this.#fd = null
  }
}
