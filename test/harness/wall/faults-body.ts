import type { JsonObject } from '../json.ts'
import { answerWell } from './answer.ts'
import { completionOf, composeAnswer } from './chat.ts'
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
  'hop-by-hop': (x, body) =>
    withHeader(
      x,
      body,
      'connection: keep-alive, x-private\r\nx-private: 1\r\nkeep-alive: timeout=9\r\nproxy-authenticate: Basic',
    ),
}
