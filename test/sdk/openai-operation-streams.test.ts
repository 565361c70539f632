import assert from 'node:assert/strict'
import { test } from 'node:test'
import { toFile } from 'openai'
import { at } from '../harness/json.ts'
import { useOperationsHouse } from './operations-house.ts'

const house = useOperationsHouse({
  models: {
    several: {
      targets: [
        { provider: 'vendor', model: 'broken' },
        { provider: 'vendor', model: 'm' },
      ],
    },
  },
})

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

const ROUTES: Readonly<Record<string, string>> = {
  'images/generations': 'images.generations',
  'audio/speech': 'audio.speech',
  'audio/transcriptions': 'audio.transcriptions',
}

async function asked(path: string, model = 'vendor/m'): Promise<Response> {
  const { gateway, key } = house()
  const form = new FormData()
  form.set('model', model)
  form.set('stream', 'true')
  form.set('file', await toFile(Buffer.from('RIFF'), 'a.wav'))
  const json = path.startsWith('images')
    ? { model, prompt: 'x', stream: true }
    : { model, input: 'x', voice: 'alloy', stream_format: 'sse' }
  const isForm = path === 'audio/transcriptions'
  const answer = await fetch(`${gateway.url}/v1/${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key.secret}`, ...(isForm ? {} : { 'content-type': 'application/json' }) },
    body: isForm ? form : JSON.stringify(json),
  })
  assert.equal(answer.status, 200, await answer.clone().text())
  return answer
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
      assert.equal(await (await asked(path)).text(), before + end)
      streaming(before)
      const cut = await (await asked(path)).text()
      assert.ok(cut.startsWith(before) && cut.includes('upstream_truncated'), cut)
      const failed = `${before}${event('error', { error: { message: 'broke' } })}`
      streaming(failed)
      assert.equal(await (await asked(path)).text(), failed, 'an error is an end')
      await house().recorded(ROUTES[path] ?? '', { outcome: 'upstream_error', error_code: 'upstream_error' })
    } finally {
      upstream.answering = () => undefined
    }
  })
}

for (const [path, [before, end]] of Object.entries(STREAMS)) {
  test(`an error that comes first in a stream sends the request to the next target: ${path}`, async () => {
    const { upstream } = house()
    upstream.answering = ({ json, form }, response) => {
      const isBroken = (at(json, 'model') ?? form?.get('model')) === 'broken'
      const text = isBroken ? event('error', { error: { message: 'broke' } }) : before + end
      response.writeHead(200, { 'content-type': 'text/event-stream' }).end(text)
      return true
    }
    try {
      const answer = await asked(path, 'several')
      assert.equal(await answer.text(), before + end)
      assert.equal(answer.headers.get('x-ferro-model'), 'vendor/m')
      assert.ok(Number(answer.headers.get('x-ferro-attempts')) > 1)
    } finally {
      upstream.answering = () => undefined
    }
  })
}
