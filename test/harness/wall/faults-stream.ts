import type { JsonObject } from '../json.ts'
import { answerWell } from './answer.ts'
import { chunksOf, composeAnswer, errorOf, eventOf } from './chat.ts'
import type { WallExchange } from './exchange.ts'
import type { Fault, FaultTable } from './fault.ts'

const ERROR_EVENT = eventOf(errorOf('The server had an error while processing your request.', 'server_error'))

/** A stream as a list of event texts, `[DONE]` last. */
function eventsFor(body: JsonObject): string[] {
  return [...chunksOf(composeAnswer(body)).map((chunk) => eventOf(chunk)), eventOf('[DONE]')]
}

async function sendEvents(x: WallExchange, events: readonly string[]): Promise<void> {
  await x.streamHead()
  for (const event of events) await x.chunk(event)
  await x.lastChunk()
}

/** Replaces or ends the stream from its fifth event on. */
const fifthEvent =
  (replacement: string, rest: 'goes on' | 'ends'): Fault =>
  async (x, body) => {
    const events = eventsFor(body)
    await sendEvents(x, [...events.slice(0, 4), replacement, ...(rest === 'goes on' ? events.slice(5) : [])])
  }

/** Streams that HTTP finds right and the dialect does not. A request without `stream` is answered well or with an error. */
export const streamFaults: FaultTable = {
  'bad-sse': fifthEvent('data: {"id":"chatcmpl-x","choices":[{"delta":\n\n', 'goes on'),
  'html-event': fifthEvent('data: <html>502 Bad Gateway</html>\n\n', 'goes on'),
  'no-done': async (x, body) => {
    const answer = composeAnswer(body)
    if (!answer.stream) return answerWell(x, body)
    if (answer.includeUsage) x.entry.usage = answer.usage
    await sendEvents(x, eventsFor(body).slice(0, -1))
  },
  'error-event-first': (x) => sendEvents(x, [ERROR_EVENT]),
  'error-event-5': fifthEvent(ERROR_EVENT, 'ends'),
  'big-event': async (x, body) => {
    const [first = ''] = eventsFor(body)
    await x.streamHead()
    await x.chunk(first)
    await x.chunk('data: ')
    for (let kib = 0; kib < 3 * 1_024 && !x.gone; kib++) await x.chunk('x'.repeat(1_024))
    await x.chunk('\n\n')
    await x.lastChunk()
  },
}
