/**
 * A program with the outside of a gateway (arguments, instance file, listeners, signals) and none of its inside, so
 * that the harness can be tested without one. Its `fault` in the configuration makes it fail at the start.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

async function listen(): Promise<{ server: Server; url: string }> {
  const server = createServer((request, response) => {
    if (request.url === '/environment') response.end(JSON.stringify(process.env))
    else if (request.url === '/metrics') response.end('# TYPE up gauge\nup{place="here"} 1\n')
    else response.end('ok')
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  // A TCP server that listens has an AddressInfo; the type also covers pipes.
  const { port } = server.address() as AddressInfo
  return { server, url: `http://127.0.0.1:${port}` }
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { config: { type: 'string' }, 'data-dir': { type: 'string' } },
})
const config = readFileSync(values.config ?? '', 'utf8')
if (positionals[0] !== 'run' || config.includes('"fault"')) {
  console.error('refused: fault in the configuration')
  process.exit(3)
}
const data = await listen()
const control = await listen()
process.once('SIGTERM', () => {
  console.log('drained')
  process.exit(0)
})
console.log(`ready with ${config.length} characters`)
const instance = { pid: process.pid, data: data.url, control: control.url, workers: 1 }
writeFileSync(join(values['data-dir'] ?? '', 'instance.json'), JSON.stringify(instance))
