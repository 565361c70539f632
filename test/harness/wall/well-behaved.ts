import { answerWell, streamWell } from './answer.ts'
import { chunkOf, chunksOf, completionOf, composeAnswer, eventOf, promptText, usageChunkOf } from './chat.ts'
import { chunked, headOf } from './exchange.ts'
import type { FaultTable } from './fault.ts'

const EMOJI_TEXT = '👩‍🚀 grüßt 世界 und 🏳️‍🌈 sagt naïve 🎉 Ω'
const HUGE_WORD_BYTES = 8_192

/** Models that are slow, long or oddly cut, yet right: the gateway must relay every one of them whole. */
export const wellBehaved: FaultTable = {
  ok: (x, body) => answerWell(x, body),
  'ok-': (x, body, words) => answerWell(x, body, { wanted: Number(words) }),
  'over-': (x, body, words) => answerWell(x, body, { wanted: Number(words), cap: 'ignored' }),
  echo: (x, body) => answerWell(x, body, { wanted: promptText(body) }),
  barrier: async (x, body) => {
    await x.untilReleased()
    await answerWell(x, body)
  },
  'barrier-over-': async (x, body, words) => {
    await x.untilReleased()
    await answerWell(x, body, { wanted: Number(words), cap: 'ignored' })
  },
  'barrier-mid': async (x, body) => {
    const answer = composeAnswer(body)
    const chunks = chunksOf(answer)
    await x.streamHead()
    for (const chunk of chunks.slice(0, 3)) await x.chunk(eventOf(chunk))
    await x.untilReleased()
    for (const chunk of chunks.slice(3)) await x.chunk(eventOf(chunk))
    if (answer.includeUsage && !x.gone) x.entry.usage = answer.usage
    await x.chunk(eventOf('[DONE]'))
    await x.lastChunk()
  },
  'slow-': async (x, body, ms) => {
    const answer = composeAnswer(body)
    if (answer.stream) return streamWell(x, answer, Number(ms))
    await x.pause(Number(ms))
    await answerWell(x, body)
  },
  'long-stream-': (x, body, events) => answerWell(x, body, { wanted: Number(events), cap: 'ignored' }),
  'huge-': async (x, body, bytes) => {
    const words = Math.ceil(Number(bytes) / HUGE_WORD_BYTES)
    const answer = { ...composeAnswer(body, { wanted: 1, cap: 'ignored' }), includeUsage: false }
    const word = `${'x'.repeat(HUGE_WORD_BYTES - 1)} `
    if (!answer.stream) {
      const filled = { ...answer, words: [...answer.words, word.repeat(words)] }
      x.entry.usage = answer.usage
      return x.json(200, completionOf(filled, answer.usage))
    }
    await x.streamHead()
    const event = eventOf(chunkOf(answer, { content: word }))
    for (let sent = 0; sent < words && !x.gone; sent++) await x.chunk(event)
    await x.chunk(eventOf(usageChunkOf(answer, answer.usage)))
    await x.chunk(eventOf('[DONE]'))
    await x.lastChunk()
  },
  'one-byte': async (x, body) => {
    const answer = composeAnswer(body)
    const json = JSON.stringify(completionOf(answer, answer.usage))
    const events = [...chunksOf(answer).map((chunk) => eventOf(chunk)), eventOf('[DONE]')]
    const bytes = answer.stream
      ? Buffer.concat([
          Buffer.from(headOf(200, ['content-type: text/event-stream', 'transfer-encoding: chunked'])),
          ...events.map((event) => chunked(event)),
          Buffer.from('0\r\n\r\n'),
        ])
      : Buffer.from(headOf(200, ['content-type: application/json', `content-length: ${json.length}`]) + json)
    if (!answer.stream || answer.includeUsage) x.entry.usage = answer.usage
    for (const byte of bytes) await x.write(Buffer.of(byte))
  },
  /** Twenty interim answers, then a head of nearly 15 KiB. */
  'large-head': async (x, body) => {
    const answer = composeAnswer(body)
    x.entry.usage = answer.usage
    const json = JSON.stringify(completionOf(answer, answer.usage))
    const padding = Array.from({ length: 14 }, (_unused, at) => `x-padding-${at}: ${'p'.repeat(1_000)}`)
    await x.write('HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n'.repeat(20))
    await x.write(headOf(200, ['content-type: application/json', `content-length: ${json.length}`, ...padding]) + json)
  },
  /** Bytes that only the end of the connection delimits. */
  'http-1.0': async (x, body) => {
    const answer = composeAnswer(body)
    x.entry.usage = answer.usage
    const json = JSON.stringify(completionOf(answer, answer.usage))
    await x.write(headOf(200, ['content-type: application/json']).replace('HTTP/1.1', 'HTTP/1.0') + json)
    x.end()
  },
  unicode: async (x, body) => {
    const answer = composeAnswer(body, { wanted: EMOJI_TEXT, cap: 'ignored' })
    if (!answer.stream) return answerWell(x, body, { wanted: EMOJI_TEXT, cap: 'ignored' })
    await x.streamHead()
    const text = [...chunksOf(answer).map((chunk) => eventOf(chunk)), eventOf('[DONE]')].join('')
    // One chunk per byte: every character of more than one byte is split at each of its boundaries.
    for (const byte of Buffer.from(text)) await x.chunk(Buffer.of(byte))
    if (answer.includeUsage && !x.gone) x.entry.usage = answer.usage
    await x.lastChunk()
  },
  crlf: async (x, body) => {
    const answer = composeAnswer(body)
    if (!answer.stream) return answerWell(x, body)
    await x.streamHead()
    await x.chunk(': a comment\r\n\r\nretry: 1000\r\n\r\n')
    for (const chunk of chunksOf(answer)) await x.chunk(eventOf(chunk).replaceAll('\n', '\r\n'))
    if (answer.includeUsage && !x.gone) x.entry.usage = answer.usage
    await x.chunk('data: [DONE]\r\n\r\n')
    await x.lastChunk()
  },
}
