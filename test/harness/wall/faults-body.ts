import type { JsonObject } from '../json.ts'
import { answerWell } from './answer.ts'
import { chunksOf, completionOf, composeAnswer, eventOf } from './chat.ts'
import { chunked, headOf, type WallExchange } from './exchange.ts'
import type { FaultTable } from './fault.ts'

const JSON_TYPE = 'content-type: application/json'
function completion(body: JsonObject): string {
  const answer = composeAnswer(body)
  return JSON.stringify(completionOf(answer, answer.usage))
}

/** An answer to a request that nobody sent: if it ever reaches a client, the pool was poisoned. */
const POISON = `${headOf(200, [JSON_TYPE, 'content-length: 23'])}{"poison":"never-sent"}`

const withHeader = (x: WallExchange, body: JsonObject, header: string): Promise<void> => {
  const json = completion(body)
  return x.write(Buffer.from(`${headOf(200, [JSON_TYPE, `content-length: ${json.length}`, header])}${json}`, 'latin1'))
}

const withStatusLine = (x: WallExchange, body: JsonObject, line: string): Promise<void> => {
  const json = completion(body)
  return x.write(headOf(200, [JSON_TYPE, `content-length: ${json.length}`]).replace(/^[^\r]*/, line) + json)
}

/** Responses whose framing, head or body breaks the rules of HTTP or of JSON. */
export const bodyFaults: FaultTable = {
  'length-short': async (x, body) => {
    const json = completion(body)
    await x.write(headOf(200, [JSON_TYPE, `content-length: ${json.length - 20}`]) + json)
  },
  'length-long': async (x, body) => {
    const json = completion(body)
    await x.write(headOf(200, [JSON_TYPE, `content-length: ${json.length + 20}`]) + json)
    x.end()
  },
  'cl-and-te': async (x, body) => {
    const json = completion(body)
    await x.write(headOf(200, [JSON_TYPE, `content-length: ${json.length}`, 'transfer-encoding: chunked']))
    await x.write(Buffer.concat([chunked(json), Buffer.from('0\r\n\r\n')]))
  },
  'extra-bytes': async (x, body) => {
    await answerWell(x, body)
    await x.write(POISON)
  },
  'bad-json': (x, body) => x.respond(200, 'application/json', completion(body).slice(0, -15)),
  'html-200': (x) =>
    x.respond(200, 'text/html; charset=utf-8', '<!doctype html><title>Sign in</title><p>Please log in.'),
  'empty-200': (x) => x.respond(200, 'application/json', ''),
  'bad-header-cr': (x, body) => withHeader(x, body, 'x-odd: a\rb'),
  'bad-header-lf': (x, body) => withHeader(x, body, 'x-odd: a\nx-smuggled: b'),
  'bad-header-nul': (x, body) => withHeader(x, body, 'x-odd: a\0b'),
  'bad-header-big': (x, body) => withHeader(x, body, `x-big: ${'a'.repeat(70 * 1_024)}`),
  'bad-header-status': (x) => x.write('HTTP/1.1 abc Odd\r\ncontent-length: 0\r\n\r\n'),
  'bad-header-fold': (x, body) => withHeader(x, body, 'x-odd: a\r\n x-smuggled: b'),
  'bad-header-many': (x, body) => withHeader(x, body, 'x-odd: a\r\n'.repeat(250).trimEnd()),
  'bad-status-lower': (x, body) => withStatusLine(x, body, 'http/1.1 200 Answer'),
  'bad-status-version': (x, body) => withStatusLine(x, body, 'HTTP/2.0 200 Answer'),
  'interim-': async (x, body, count) => {
    await x.write('HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n'.repeat(Number(count)))
    await answerWell(x, body)
  },
  'body-with-': async (x, body, status) => {
    const json = completion(body)
    await x.write(headOf(Number(status), [JSON_TYPE, `content-length: ${json.length}`]) + json)
  },
  'hop-by-hop': async (x, body) => {
    const answer = composeAnswer(body)
    if (!answer.stream) x.entry.usage = answer.usage
    const data = answer.stream
      ? [...chunksOf(answer).map((chunk) => eventOf(chunk)), eventOf('[DONE]')].join('')
      : JSON.stringify(completionOf(answer, answer.usage))
    const head = headOf(200, [
      answer.stream ? 'content-type: text/event-stream' : JSON_TYPE,
      'connection: keep-alive, X-Private, set-cookie',
      'x-private: 1',
      'set-cookie: a=b',
      'keep-alive: timeout=9',
      'proxy-authenticate: Basic',
      'proxy-connection: keep-alive',
      'upgrade: h2c',
      'te: trailers',
      'trailer: x-trailer',
      'transfer-encoding: chunked',
    ])
    await x.write(Buffer.concat([Buffer.from(head), chunked(data), Buffer.from('0\r\nx-trailer: 1\r\n\r\n')]))
  },
}
