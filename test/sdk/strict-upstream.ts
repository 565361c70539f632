import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { DemoUpstream } from '../../src/ai/index.ts'
import type { ResponseHandler } from '../../src/core/index.ts'

/** The credential that the strict upstream demands. */
export const STRICT_KEY = 'strict-provider-key-Tn4wQe8Ks1'

/** One request that arrived over the network. */
export interface StrictRequest {
  readonly path: string
  readonly headers: IncomingMessage['headers']
  readonly body: Buffer
}

/**
 * The demo provider behind a socket of its own: an upstream that checks every member of a request as the vendor does,
 * calls tools and fills in schemas, and is reached as any other provider is.
 */
export class StrictUpstream {
  readonly requests: StrictRequest[] = []
  readonly #demo = new DemoUpstream()
  readonly #server: Server

  private constructor() {
    this.#server = createServer((request, response) => void this.#answer(request, response))
  }

  /** Starts one on a free loopback port. */
  static async start(): Promise<StrictUpstream> {
    const upstream = new StrictUpstream()
    await new Promise<void>((resolve) => upstream.#server.listen(0, '127.0.0.1', resolve))
    return upstream
  }

  /** Base URL for a provider. */
  get url(): string {
    // A TCP server that listens has an AddressInfo; the type also covers pipes.
    const { port } = this.#server.address() as AddressInfo
    return `http://127.0.0.1:${port}/v1`
  }

  /** Ends what is open and stops listening. */
  async close(): Promise<void> {
    await this.#demo.close()
    this.#server.closeAllConnections()
    await new Promise<void>((resolve) => this.#server.close(() => resolve()))
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer) // a request without an encoding gives buffers
    const { url: path = '', headers, method = '' } = request
    const body = Buffer.concat(chunks)
    this.requests.push({ path, headers, body })
    if (headers.authorization !== `Bearer ${STRICT_KEY}`) {
      response.writeHead(401, { 'content-type': 'application/json' })
      response.end('{"error":{"message":"wrong provider key","type":"invalid_request_error"}}')
      return
    }
    this.#demo.dispatch({ method, path, headers: [], body }, relayTo(response))
  }
}

function relayTo(response: ServerResponse): ResponseHandler {
  return {
    onRequestStart(controller) {
      response.once('close', () => {
        if (!response.writableFinished) controller.abort(new Error('the client left'))
      })
    },
    onResponseStart(_controller, status, headers) {
      response.writeHead(status, headers)
    },
    onResponseData(_controller, chunk) {
      response.write(chunk)
    },
    onResponseEnd() {
      response.end()
    },
    onResponseError() {
      // What was written in this turn is handed to the socket at the end of it, and still goes out.
      setImmediate(() => response.socket?.destroySoon())
    },
  }
}
