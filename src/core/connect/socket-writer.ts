import { Socket } from 'node:net'
import { getSystemErrorName } from 'node:util'

/** What the handle of a plain socket has in Node, and no public name. */
interface WriteHandle {
  writeLatin1String(request: null, text: string): Written
  writeBuffer(request: null, bytes: Buffer): Written
  /** `chunks` is flat: what, encoding, what, encoding; `buffer` is the encoding of bytes. */
  writev(request: null, chunks: readonly unknown[], allBuffers: false): Written
}

/** A number when nothing is left to do: 0, or an error of the system. Else what stands for the write under way. */
type Written = number | WriteUnderWay

interface WriteUnderWay {
  oncomplete: (status: number) => void
  /** Keeps what is written until it is. */
  buffer: unknown
  /** It was done before anybody could listen. */
  writeStatus?: number | null
}

interface Inner {
  _handle?: Partial<WriteHandle> | null
}

/**
 * Whether this Node hands its handles writes without an object for each of them; older ones need one. It is learnt from
 * what Node does at the first write of the thread.
 */
let nodeOmitsRequests: boolean | null = null

/** A text that waits for the end of the turn is no longer than this. */
const LATER_CHARACTERS = 16_384

/** Those that have something for the end of the turn. */
const waiting: SocketWriter[] = []

function endTurn(): void {
  let at = 0
  try {
    while (at < waiting.length) waiting[at++]?.flush()
    waiting.length = 0
  } finally {
    // Whatever became of one, the others leave.
    if (waiting.length > 0) {
      waiting.splice(0, at)
      setImmediate(endTurn)
    }
  }
}

/**
 * Writes to a connected socket. What the kernel takes at once, nearly everything, does not pass through the socket's
 * stream: its queue, its callback and its tick cost more than the system call for a small answer
 * (docs/decisions/0006-performance.md). What is not taken at once waits in the order of the calls, and the socket emits
 * `drain` afterwards as it does for its own writes. TLS, and a Node that keeps connections elsewhere, use the stream.
 */
export class SocketWriter {
  readonly #socket: Socket
  readonly #handle: WriteHandle | null
  /** Bytes handed to the handle that the kernel has not taken yet. */
  #pending = 0
  #needsDrain = false
  /** What leaves at the end of the turn. */
  #later = ''

  constructor(socket: Socket) {
    this.#socket = socket
    this.#handle = writeHandleOf(socket)
  }

  /** Bytes that were written and that the kernel has not taken; what leaves at the end of the turn is not among them. */
  get unsentBytes(): number {
    return this.#pending + this.#socket.writableLength
  }

  /**
   * The same as `writeText`, at the end of this turn of the event loop or with the next write: what a busy turn has for many
   * peers leaves at once. A write wakes a peer that sleeps, which costs more than all else of it where the peer is on the same
   * machine; the second of two finds it awake (docs/decisions/0006-performance.md). Texts of one writer stay short.
   */
  writeLater(text: string): void {
    const isLong = this.#later.length + text.length > LATER_CHARACTERS
    if (isLong || this.#pending > 0 || this.#direct() === null) {
      this.writeText(text)
      return
    }
    if (this.#later === '') {
      if (waiting.length === 0) setImmediate(endTurn)
      waiting.push(this)
    }
    this.#later += text
  }

  /** Writes what waits for the end of the turn. */
  flush(): void {
    const text = this.#later
    if (text === '') return
    this.#later = ''
    if (this.#socket.writable) this.writeText(text)
  }

  /** Each character is one byte. False, as for bytes, when the socket is slow: it emits `drain` later. */
  writeText(text: string): boolean {
    if (this.#later !== '') this.flush()
    const handle = this.#direct()
    if (handle === null) return this.#socket.write(text, 'latin1')
    return this.#took(handle.writeLatin1String(null, text), text.length, null)
  }

  /** The bytes may not change before they are sent. */
  writeBytes(bytes: Buffer): boolean {
    if (this.#later !== '') this.flush()
    const handle = this.#direct()
    if (handle === null) return this.#socket.write(bytes)
    return this.#took(handle.writeBuffer(null, bytes), bytes.length, bytes)
  }

  /** Several pieces by one system call; texts as in `writeText`. `onSent` is called once all of them have left. */
  writeAll(pieces: readonly (string | Buffer)[], onSent: (() => void) | null = null): boolean {
    if (this.#later !== '') this.flush()
    const handle = this.#direct()
    if (handle === null) return this.#gather(pieces, onSent)
    const chunks: unknown[] = []
    let length = 0
    for (const piece of pieces) {
      chunks.push(piece, typeof piece === 'string' ? 'latin1' : 'buffer')
      length += piece.length
    }
    return this.#took(handle.writev(null, chunks, false), length, chunks, onSent)
  }

  #gather(pieces: readonly (string | Buffer)[], onSent: (() => void) | null): boolean {
    const socket = this.#socket
    socket.cork()
    let more = true
    for (const piece of pieces) more = typeof piece === 'string' ? socket.write(piece, 'latin1') : socket.write(piece)
    if (onSent !== null) socket.write('', (error) => (error instanceof Error ? undefined : onSent()))
    socket.uncork()
    return more
  }

  /** The handle, unless something waits in the stream or the socket takes nothing more. */
  #direct(): WriteHandle | null {
    const handle = this.#handle
    if (handle === null || nodeOmitsRequests !== true) return null
    const socket = this.#socket
    const { _handle } = socket as unknown as Inner // its one field may be missing
    return _handle === handle && socket.writableLength === 0 && socket.writable ? handle : null
  }

  #took(written: Written, length: number, kept: unknown, onSent: (() => void) | null = null): boolean {
    if (written === 0) {
      onSent?.()
      return this.#pending === 0 || this.#isRoomy()
    }
    if (typeof written === 'number') {
      this.#socket.destroy(systemError(written))
      return false
    }
    this.#pending += length
    written.buffer = kept
    written.oncomplete = (status) => {
      if (status === 0) onSent?.()
      this.#sent(status, length)
    }
    const { writeStatus } = written
    if (typeof writeStatus === 'number') written.oncomplete(writeStatus)
    return this.#isRoomy()
  }

  #isRoomy(): boolean {
    if (this.unsentBytes < this.#socket.writableHighWaterMark) return true
    this.#needsDrain = true
    return false
  }

  #sent(status: number, length: number): void {
    const socket = this.#socket
    this.#pending -= length
    if (socket.destroyed) return
    if (status < 0) socket.destroy(systemError(status))
    else if (this.#needsDrain && this.#pending === 0) {
      this.#needsDrain = false
      if (socket.writableLength === 0) socket.emit('drain')
      else if (socket.writable) socket.write('', () => socket.emit('drain'))
    }
  }
}

/** The handle of a plain socket that can be written to as Node itself does; null for every other. */
function writeHandleOf(socket: Socket): WriteHandle | null {
  if (nodeOmitsRequests === false || !(socket instanceof Socket) || 'encrypted' in socket) return null
  const { _handle: handle } = socket as unknown as Inner // its one field may be missing
  if (typeof handle?.writeLatin1String !== 'function') return null
  if (typeof handle.writeBuffer !== 'function' || typeof handle.writev !== 'function') return null
  const complete = handle as WriteHandle // checked above
  if (nodeOmitsRequests === null) learnFrom(complete)
  return complete
}

function learnFrom(handle: WriteHandle): void {
  handle.writeLatin1String = (request, text) => {
    nodeOmitsRequests = request === null
    Reflect.deleteProperty(handle, 'writeLatin1String') // what is inherited shows again
    return handle.writeLatin1String(request, text)
  }
}

function systemError(errno: number): NodeJS.ErrnoException {
  const code = getSystemErrorName(errno)
  return Object.assign(new Error(`write ${code}`), { errno, code, syscall: 'write' })
}
