import { connect, createServer } from 'node:net'
import { pathToFileURL } from 'node:url'

/**
 * Two sockets joined by `pipe`, one connection behind for each in front, without a look at what they carry: the floor
 * under every relay in Node. Usage: `pipe-relay.ts PORT UPSTREAM_PORT`.
 */
const serve = (port: number, upstreamPort: number): void => {
  const server = createServer({ noDelay: true }, (client) => {
    const upstream = connect({ host: '127.0.0.1', port: upstreamPort, noDelay: true })
    const end = (): void => {
      client.destroy()
      upstream.destroy()
    }
    client.on('error', end).on('close', end)
    upstream.on('error', end).on('close', end)
    client.pipe(upstream).pipe(client)
  })
  server.listen({ port, host: '127.0.0.1', backlog: 4096 })
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href)
  serve(Number(process.argv[2]), Number(process.argv[3]))
