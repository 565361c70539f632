import assert from 'node:assert/strict'
import { test } from 'node:test'
import { toFile } from 'openai'
import { useOperationsHouse } from './operations-house.ts'

const house = useOperationsHouse()

const event = (type: string, more: object = {}) => `event: ${type}\ndata: ${JSON.stringify({ type, ...more })}\n\n`
const PICTURE = { b64_json: 'aGk=' }
const USAGE = { usage: { input_tokens: 5, output_tokens: 5, total_tokens: 10 } }

/** Texts of streams by the path of what is streamed: what comes before the end, and the end. */
const STREAMS: Readonly<Record<string, readonly [before: string, end: string]>> = {
  'images/generations': [
    event('image_generation.partial_image', { ...PICTURE, partial_image_index: 0 }),
    event('image_generation.completed', { ...PICTURE, ...USAGE }),
  ],
  'audio/speech': [event('speech.audio.delta', { audio: 'aGk=' }), event('speech.audio.done', USAGE)],
  'audio/transcriptions': [
    event('transcript.text.delta', { delta: 'a' }),
    event('transcript.text.done', { text: 'a' }),
  ],
}

async function asked(path: string): Promise<string> {
  const { gateway, key } = house()
  const form = new FormData()
  form.set('model', 'vendor/hearing')
  form.set('stream', 'true')
  form.set('file', await toFile(Buffer.from('RIFF'), 'a.wav'))
  const json = path.startsWith('images')
    ? { model: 'vendor/m', prompt: 'x', stream: true }
    : { model: 'vendor/m', input: 'x', voice: 'alloy', stream_format: 'sse' }
  const isForm = path === 'audio/transcriptions'
  const answer = await fetch(`${gateway.url}/v1/${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key.secret}`, ...(isForm ? {} : { 'content-type': 'application/json' }) },
    body: isForm ? form : JSON.stringify(json),
  })
  assert.equal(answer.status, 200, await answer.clone().text())
  return await answer.text()
}

for (const [path, [before, end]] of Object.entries(STREAMS)) {
  test(`a stream that its upstream ends early is no whole answer: ${path}`, async () => {
    const { upstream } = house()
    const streaming = (text: string) => {
      upstream.answering = (_seen, response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' }).end(text)
        return true
      }
    }
    try {
      streaming(before + end)
      assert.equal(await asked(path), before + end)
      streaming(before)
      const cut = await asked(path)
      assert.ok(cut.startsWith(before) && cut.includes('upstream_truncated'), cut)
      const failed = `${before}${event('error', { error: { message: 'broke' } })}`
      streaming(failed)
      assert.ok((await asked(path)).startsWith(failed), 'an error is an end')
    } finally {
      upstream.answering = () => undefined
    }
  })
}
