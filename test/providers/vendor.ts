import type { IncomingHttpHeaders } from 'node:http'
import type { TestContext } from 'node:test'
import type { Transport } from '../../src/core/index.ts'
import { poolTo, startHttp } from '../request-path/upstream.ts'

/** A request as it came over the wire, and where it was meant to go. */
export interface Seen {
  readonly origin: string
  readonly method: string
  /** With its query. */
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

export interface VendorAnswer {
  readonly status?: number
  readonly type?: string
  readonly body: string | Buffer
}

/** A server that stands in for every origin. */
export interface Vendor {
  readonly seen: Seen[]
  readonly connect: (origin: string) => Transport
}

const ORIGIN = 'x-test-origin'

/** Answers each request as `answer` says; ends with the test. */
export async function startVendor(
  t: TestContext,
  answer: (request: Seen) => VendorAnswer | Promise<VendorAnswer>,
): Promise<Vendor> {
  const seen: Seen[] = []
  const server = await startHttp(t, (req, res) => {
    const chunks: Buffer[] = []
    req.on('data', (chunk: Buffer) => chunks.push(chunk))
    req.on(
      'end',
      () =>
        void (async () => {
          const { [ORIGIN]: origin, ...headers } = req.headers
          const body = Buffer.concat(chunks).toString('utf8')
          const request = { origin: String(origin), method: req.method ?? '', path: req.url ?? '', headers, body }
          seen.push(request)
          const { status = 200, type = 'application/json', body: said } = await answer(request)
          res.writeHead(status, { 'content-type': type })
          res.end(said)
        })(),
    )
  })
  return {
    seen,
    connect: (origin) => {
      const pool = poolTo(t, server.origin)
      return {
        dispatch: (request, handler) =>
          pool.dispatch({ ...request, headers: [...request.headers, ORIGIN, origin] }, handler),
        close: () => pool.close(),
      }
    },
  }
}
