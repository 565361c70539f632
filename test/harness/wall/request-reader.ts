import { fieldValue, type Head, readBody, readHead, requestFraming } from '../http-message.ts'

/** One request as it came over a connection: the head's exact bytes (latin1), its parsed form, the decoded body. */
export interface ReadRequest {
  readonly headText: string
  readonly head: Head
  readonly body: Buffer
}

/** Cuts the bytes of one connection into requests; throws `MalformedMessage` for what RFC 9112 does not allow. */
export class RequestReader {
  #pieces: Buffer[] = []
  #held = 0
  /** Bytes that must be there before parsing again can help; keeps large bodies from being joined at every piece. */
  #wanted = 0

  /** Requests completed by this piece, in order. */
  push(piece: Buffer): ReadRequest[] {
    this.#pieces.push(piece)
    this.#held += piece.length
    const requests: ReadRequest[] = []
    while (this.#held > 0 && this.#held >= this.#wanted) {
      const bytes = this.#pieces.length === 1 && this.#pieces[0] ? this.#pieces[0] : Buffer.concat(this.#pieces)
      this.#pieces = [bytes]
      const head = readHead(bytes)
      if (head === null) break
      const framing = requestFraming(head.fields)
      const body = readBody(bytes, head.bytes, framing)
      if (!body.complete) {
        this.#wanted = framing.kind === 'length' ? head.bytes + framing.length : 0
        break
      }
      requests.push({ headText: bytes.toString('latin1', 0, head.bytes), head, body: body.content })
      this.#hold(bytes.subarray(body.end))
    }
    return requests
  }

  /** Bytes of a request that is not complete. */
  get pendingBytes(): number {
    return this.#held
  }

  #hold(rest: Buffer): void {
    this.#pieces = rest.length > 0 ? [rest] : []
    this.#held = rest.length
    this.#wanted = 0
  }
}

/** The header `name` of a request, or undefined. */
export function headerOf(request: ReadRequest, name: string): string | undefined {
  return fieldValue(request.head.fields, name)
}
