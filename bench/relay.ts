import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { pathToFileURL } from 'node:url'
import { Agent, type Dispatcher } from 'undici'

/**
 * The barest relay that Node's own parts allow, a program of its own: `node:http` in front, undici's `dispatch`
 * behind, no policy between. What the gateway costs above it is the price of governance; what it costs itself above
 * nginx is the price of the runtime. Usage: `relay.ts PORT UPSTREAM_ORIGIN`.
 */
const serve = (port: number, origin: string): void => {
  const agent = new Agent({ pipelining: 1 })
  createServer((request, response) => {
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part))
    request.on('end', () => relay(agent, origin, request, response, parts))
  }).listen(port, '127.0.0.1', 4096)
}

const relay = (
  agent: Dispatcher,
  origin: string,
  request: IncomingMessage,
  response: ServerResponse,
  parts: Buffer[],
): void => {
  const upstream = {
    origin,
    path: request.url ?? '/',
    method: 'POST' as const,
    headers: {
      'content-type': request.headers['content-type'] ?? 'application/json',
      authorization: 'Bearer mock-key',
    },
    body: parts.length === 1 ? parts[0]! : Buffer.concat(parts),
  }
  agent.dispatch(upstream, {
    onRequestStart: () => undefined,
    onResponseStart: (_controller, status, headers) => {
      response.writeHead(status, passedHeaders(headers))
    },
    onResponseData: (_controller, chunk) => {
      response.write(chunk)
    },
    onResponseEnd: () => response.end(),
    onResponseError: () => response.destroy(),
  })
}

const passedHeaders = (headers: Record<string, string | string[] | undefined>): Record<string, string | string[]> => {
  const passed: Record<string, string | string[]> = {}
  for (const name of ['content-type', 'content-length', 'cache-control']) {
    const value = headers[name]
    if (value !== undefined) passed[name] = value
  }
  return passed
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) serve(Number(process.argv[2]), process.argv[3] ?? '')
