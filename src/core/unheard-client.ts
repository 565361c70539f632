import type { ClientStream } from './client-stream.ts'

/** A client that hears nothing: whatever is sent to it is gone at once. */
export class UnheardClient implements ClientStream {
  readonly address: string | null
  readonly listener: string
  readonly scheme: 'http' | 'https'
  readonly certificate = null
  readonly unsentBytes = 0
  headSent = false
  ended = false

  /** `of`: the client whose request it is. */
  constructor({ address, listener, scheme }: Pick<ClientStream, 'address' | 'listener' | 'scheme'>) {
    this.address = address
    this.listener = listener
    this.scheme = scheme
  }

  /** Its request has been read. */
  readBody(): void {
    throw new Error('a double of a request has its whole body')
  }

  pauseBody(): void {
    this.readBody()
  }

  resumeBody(): void {
    this.readBody()
  }

  askForBody(): void {
    this.readBody()
  }

  /** There is no connection. */
  closeAfterAnswer(): void {
    this.ended = true
  }

  answer(): void {
    this.headSent = true
    this.ended = true
  }

  start(): void {
    this.headSent = true
  }

  write(): boolean {
    return true
  }

  end(): void {
    this.ended = true
  }

  cut(): void {
    this.ended = true
  }

  upgrade(): null {
    return null
  }
}
