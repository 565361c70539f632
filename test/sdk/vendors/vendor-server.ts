import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { isObject, type JsonObject, parseJson } from '../../harness/json.ts'
import { FAULTS } from './faults.ts'
import { AFTER_RESULT, SCRIPTS } from './script.ts'
import type { Vendor, VendorAnswer, VendorRequest } from './vendor.ts'

/** What a test has a vendor say itself, byte for byte. */
export interface OwnAnswer {
  readonly type: string
  readonly pieces: readonly (string | Buffer)[]
  /** After so many pieces it says nothing until then. */
  readonly hold?: { readonly behind: number; readonly until: Promise<unknown> }
  /** Said again and again, and the answer never ends. */
  readonly forever?: string
}

/** A vendor behind a socket: refuses what it would refuse, and answers as the model's name says. */
export class VendorServer {
  readonly vendor: Vendor
  /** What arrived, in order. */
  readonly requests: VendorRequest[] = []
  /** What was refused, as the vendor said it: a test that went well leaves none. */
  readonly refusals: VendorAnswer[] = []
  /** Answers beside the scripts, by their names. */
  readonly own = new Map<string, OwnAnswer>()
  /** Answers that the other side closed before they were complete. */
  left = 0
  readonly #server: Server

  private constructor(vendor: Vendor) {
    this.vendor = vendor
    this.#server = createServer((request, response) => void this.#serve(request, response))
  }

  /** Starts one on a free loopback port. */
  static async start(vendor: Vendor): Promise<VendorServer> {
    const server = new VendorServer(vendor)
    await new Promise<void>((resolve) => server.#server.listen(0, '127.0.0.1', resolve))
    return server
  }

  /** Base URL for the provider's entry. */
  get url(): string {
    // A TCP server that listens has an AddressInfo; the type also covers pipes.
    const { port } = this.#server.address() as AddressInfo
    return `http://127.0.0.1:${port}${this.vendor.root}`
  }

  /** The body of the newest request. */
  get newest(): JsonObject {
    const request = this.requests.at(-1)
    if (request === undefined) throw new Error(`nothing reached ${this.vendor.name}`)
    return request.body
  }

  /** Ends what is open and stops listening. */
  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise<void>((resolve) => this.#server.close(() => resolve()))
  }

  async #serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of incoming) chunks.push(chunk as Buffer) // a request without an encoding gives buffers
    response.once('close', () => {
      if (!response.writableFinished) this.left++
    })
    const { method = '', url: path = '' } = incoming
    const parsed = parseJson(Buffer.concat(chunks).toString('utf8'))
    const headers = Object.fromEntries(
      Object.entries(incoming.headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : value]),
    )
    const request = { method, path, headers, body: isObject(parsed) ? parsed : {} }
    this.requests.push(request)
    const refusal = this.vendor.check(request)
    if (refusal === null) return this.#answer(request, response)
    this.refusals.push(refusal)
    response.writeHead(refusal.status, { 'content-type': 'application/json', ...refusal.headers })
    response.end(JSON.stringify(refusal.body))
  }

  #answer(request: VendorRequest, response: ServerResponse): void {
    const { vendor } = this
    const name = scriptOf(vendor.modelOf(request))
    const stream = vendor.streams(request)
    const own = this.own.get(name)
    if (own !== undefined) return void sayOwn(own, response)
    const fault = FAULTS[name]?.(vendor, stream)
    if (fault !== undefined) {
      response.writeHead(fault.status, { 'content-type': fault.type })
      for (const piece of fault.pieces) response.write(piece)
      // What was written in this turn still goes out before the connection is reset.
      if (fault.ending === 'cut') setTimeout(() => response.socket?.destroy(), 20)
      else response.end()
      return
    }
    const script = vendor.hasResults(request.body) ? AFTER_RESULT : SCRIPTS[name === 'hang' ? 'text' : name]
    if (script === undefined) throw new Error(`no script is called ${name}`)
    if (!stream) {
      if (name === 'hang') return
      response.writeHead(200, { 'content-type': 'application/json' })
      response.end(JSON.stringify(vendor.whole(script)))
      return
    }
    response.writeHead(200, { 'content-type': vendor.streamType })
    const pieces = vendor.stream(script)
    for (const piece of name === 'hang' ? pieces.slice(0, 4) : pieces) response.write(piece)
    if (name !== 'hang') response.end()
  }
}

async function sayOwn({ type, pieces, hold, forever }: OwnAnswer, response: ServerResponse): Promise<void> {
  response.writeHead(200, { 'content-type': type })
  response.flushHeaders()
  for (const [at, piece] of pieces.entries()) {
    if (hold?.behind === at) await hold.until
    response.write(piece)
    // Each in a packet of its own.
    await new Promise(setImmediate)
  }
  if (forever === undefined) {
    response.end()
    return
  }
  const timer = setInterval(() => response.write(forever), 20)
  response.once('close', () => clearInterval(timer))
}

function scriptOf(model: string): string {
  return model.slice(model.indexOf('--') + 2)
}
