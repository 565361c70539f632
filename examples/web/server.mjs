/*
 * The application behind config/examples/web.yaml: an API, a stream of events, and a WebSocket that echoes.
 *
 * Usage: node examples/web/server.mjs <port>
 */
import { createHash } from 'node:crypto'
import { createServer } from 'node:http'

const port = Number(process.argv[2] ?? 3001)

const server = createServer((request, response) => {
  const { pathname, searchParams } = new URL(request.url, 'http://app')
  const answers = {
    '/health': () => sendJson(response, 200, { healthy: true }),
    '/hello': () => sendJson(response, 200, { hello: searchParams.get('name') ?? 'world', server: port }),
    '/reports/today': () => sendJson(response, 200, { visitors: 3 }),
    '/events': () => sendEvents(response, Number(searchParams.get('count') ?? Number.POSITIVE_INFINITY)),
  }
  const answer = Object.hasOwn(answers, pathname) ? answers[pathname] : undefined
  if (answer === undefined) sendJson(response, 404, { error: `there is no ${pathname}` })
  else answer()
})

function sendJson(response, status, value) {
  response.writeHead(status, { 'content-type': 'application/json' }).end(`${JSON.stringify(value)}\n`)
}

/** One event at once and every second: its number. */
function sendEvents(response, count) {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
  let sent = 0
  const send = () => {
    response.write(`data: ${++sent}\n\n`)
    if (sent >= count) response.end()
  }
  send()
  const timer = setInterval(send, 1_000)
  response.once('close', () => clearInterval(timer))
}

/** RFC 6455, 4.2.2: how a server proves that it has understood the handshake. */
function acceptOf(key) {
  return createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')
}

server.on('upgrade', (request, socket) => {
  socket.on('error', () => socket.destroy())
  if (request.url !== '/echo') return socket.end('HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n')
  const accept = acceptOf(request.headers['sec-websocket-key'] ?? '')
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
  )
  let held = Buffer.alloc(0)
  socket.on('data', (bytes) => {
    held = Buffer.concat([held, bytes])
    for (let frame = readFrame(held); frame !== null; frame = readFrame(held)) {
      held = held.subarray(frame.size)
      if (frame.kind === 8) return socket.end(Buffer.from([0x88, 0]))
      if (frame.kind === 1) socket.write(Buffer.concat([Buffer.from([0x81, frame.text.length]), frame.text]))
    }
  })
})

/** A short masked frame (RFC 6455, 5.2), which is all that the page sends; null until it is complete. */
function readFrame(bytes) {
  if (bytes.length < 6) return null
  const length = bytes[1] & 0x7f
  const size = 6 + length
  if (length > 125 || bytes.length < size) return null
  const mask = bytes.subarray(2, 6)
  return {
    kind: bytes[0] & 0x0f,
    size,
    text: Buffer.from(bytes.subarray(6, size).map((byte, at) => byte ^ mask[at % 4])),
  }
}

server.listen(port, '127.0.0.1')
