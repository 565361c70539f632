import type { BodySink, ClientStream } from '../../src/core/index.ts'

/** A client's side without a connection: notes what it is given. */
export class ClientDouble implements ClientStream {
  readonly address = '127.0.0.1'
  readonly listener = 'main'
  readonly scheme = 'http'
  readonly certificate = null
  readonly unsentBytes = 0
  headSent = false
  ended = false
  cuts = 0
  /** What was called beside the answer itself. */
  readonly calls: string[] = []
  status = 0
  headers: readonly string[] = []
  readonly written: Buffer[] = []
  sink: BodySink | null = null

  readBody(sink: BodySink): void {
    this.sink = sink
  }

  pauseBody(): void {
    this.calls.push('pauseBody')
  }

  resumeBody(): void {
    this.calls.push('resumeBody')
  }

  askForBody(): void {
    this.calls.push('askForBody')
  }

  answer(status: number, headers: string[], body: Buffer | string): void {
    this.start(status, headers)
    this.end(Buffer.from(body))
  }

  start(status: number, headers: string[]): void {
    this.status = status
    this.headers = headers
    this.headSent = true
  }

  write(bytes: Buffer): boolean {
    this.written.push(bytes)
    return true
  }

  end(last: Buffer | null): void {
    if (last !== null) this.written.push(last)
    this.ended = true
  }

  cut(): void {
    this.cuts++
    this.ended = true
  }

  upgrade(): null {
    return null
  }

  closeAfterAnswer(): void {
    this.calls.push('closeAfterAnswer')
  }
}
