import type { BodyWriter, DispatchController, ResponseHandler } from '../phases.ts'
import type { UploadQueue } from './upload-queue.ts'

/** The connection that a turn is on; what a turn that is over asks has no effect. */
export interface TurnOwner {
  pause(turn: Turn): void
  resume(turn: Turn): void
  abort(turn: Turn, reason: Error): void
  /** A piece of the request body; false when the upstream is slow. */
  writeBody(turn: Turn, bytes: Buffer, memory: Buffer | null): boolean
  endBody(turn: Turn, trailers: readonly string[] | null): void
}

/** One request's time on a connection: what its handler does through it has no effect on the requests after it. */
export class Turn implements DispatchController, BodyWriter {
  /** The way of the request body, when it follows piece by piece. */
  upload: UploadQueue | null = null
  chunked = false
  /** The request is written to its end. */
  bodySent = true
  readonly handler: ResponseHandler
  readonly #owner: TurnOwner

  constructor(owner: TurnOwner, handler: ResponseHandler) {
    this.#owner = owner
    this.handler = handler
  }

  pause(): void {
    this.#owner.pause(this)
  }

  resume(): void {
    this.#owner.resume(this)
  }

  write(bytes: Buffer, memory: Buffer | null = null): boolean {
    return this.#owner.writeBody(this, bytes, memory)
  }

  end(trailers: readonly string[] | null = null): void {
    this.#owner.endBody(this, trailers)
  }

  /** Gives the answer up: the connection is closed at once. */
  abort(reason: Error): void {
    this.#owner.abort(this, reason)
  }
}
