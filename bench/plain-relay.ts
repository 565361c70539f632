import {
  Agent,
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type RequestOptions,
  request,
  type ServerResponse,
} from 'node:http'
import type { Duplex } from 'node:stream'
import { pathToFileURL } from 'node:url'

/**
 * The barest relay of anything, by Node's own `node:http` on both sides and `pipe` between: no policy, no record, no
 * deadline. What bodies cost in the gateway is held against it. Usage: `plain-relay.ts PORT UPSTREAM_PORT`;
 * port 0 takes a free one. It prints the port once it listens.
 */
const serve = (port: number, upstreamPort: number): void => {
  const agent = new Agent({ keepAlive: true, maxSockets: 2048, maxFreeSockets: 2048, scheduling: 'lifo' })
  const optionsOf = ({ method = 'GET', url = '/', headers }: IncomingMessage): RequestOptions => ({
    host: '127.0.0.1',
    port: upstreamPort,
    agent,
    method,
    path: url,
    headers: passed(headers),
  })
  const server = createServer({ noDelay: true }, (incoming, outgoing) => relay(optionsOf(incoming), incoming, outgoing))
  server.on('upgrade', (incoming: IncomingMessage, client: Duplex, early: Buffer) => {
    const { upgrade = '' } = incoming.headers
    const headers = { ...passed(incoming.headers), connection: 'upgrade', upgrade }
    const asked = request({ ...optionsOf(incoming), headers })
    asked.on('upgrade', (answer, upstream, first) => {
      const lines = Object.entries(answer.headers).map(([name, value]) => `${name}: ${String(value)}\r\n`)
      client.write(`HTTP/1.1 101 Switching Protocols\r\n${lines.join('')}\r\n`)
      client.write(first)
      upstream.write(early)
      join(client, upstream)
    })
    asked.on('error', () => client.destroy())
    asked.end()
  })
  server.listen({ port, host: '127.0.0.1', backlog: 4096 }, () => {
    const address = server.address()
    if (address !== null && typeof address === 'object') console.log(address.port)
  })
}

const relay = (options: RequestOptions, incoming: IncomingMessage, outgoing: ServerResponse): void => {
  const asked = request(options, (answer) => {
    outgoing.writeHead(answer.statusCode ?? 502, passed(answer.headers))
    answer.pipe(outgoing)
    answer.on('error', () => outgoing.destroy())
  })
  asked.on('error', () => outgoing.destroy())
  if (incoming.headers['content-length'] === undefined) asked.end()
  else incoming.pipe(asked)
}

const join = (one: Duplex, other: Duplex): void => {
  const end = (): void => {
    one.destroy()
    other.destroy()
  }
  for (const side of [one, other]) side.on('error', end)
  one.pipe(other).pipe(one)
}

/** Without what belongs to one connection. */
const passed = (headers: IncomingHttpHeaders): IncomingHttpHeaders => {
  const kept = { ...headers }
  for (const name of ['connection', 'keep-alive', 'transfer-encoding', 'upgrade']) delete kept[name]
  return kept
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href)
  serve(Number(process.argv[2]), Number(process.argv[3]))
