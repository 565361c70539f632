import { createServer, type Socket } from 'node:net'
import { pathToFileURL } from 'node:url'
import { streamAnswer } from './payload.ts'

/**
 * The upstream of the stream scenario, a program of its own: every request for a stream is answered with all events
 * in one write, each event in its own HTTP chunk. It speaks just enough HTTP for that, so that it costs little on
 * the processor it shares with the load. Usage: `stream-mock.ts PORT`.
 */
const serve = (port: number): void => {
  const answer = Buffer.from(
    'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncache-control: no-cache\r\n' +
      'transfer-encoding: chunked\r\n\r\n' +
      streamAnswer()
        .map((data) => `data: ${data}\n\n`)
        .map((event) => `${Buffer.byteLength(event).toString(16)}\r\n${event}\r\n`)
        .join('') +
      '0\r\n\r\n',
  )
  // A request that lost its `stream` on the way shows as a failure of the load instead of a good figure.
  const refusal = Buffer.from('HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n')
  createServer({ noDelay: true }, (socket) => answerRequests(socket, answer, refusal)).listen(port, '127.0.0.1', 4096)
}

const answerRequests = (socket: Socket, answer: Buffer, refusal: Buffer): void => {
  let held = ''
  socket.on('error', () => socket.destroy())
  socket.setEncoding('latin1')
  socket.on('data', (text) => {
    held += text
    for (;;) {
      const headEnd = held.indexOf('\r\n\r\n')
      if (headEnd < 0) return
      const length = Number(/\r\ncontent-length: *(\d+)/i.exec(held.slice(0, headEnd + 2))?.[1] ?? 0)
      const end = headEnd + 4 + length
      if (held.length < end) return
      socket.write(held.slice(headEnd + 4, end).includes('"stream":true') ? answer : refusal)
      held = held.slice(end)
    }
  })
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) serve(Number(process.argv[2]))
