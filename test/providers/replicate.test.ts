import assert from 'node:assert/strict'
import { test } from 'node:test'
import { serve } from '../request-path/served.ts'
import { startVendor, type VendorAnswer } from './vendor.ts'

const json = (value: unknown, status = 200): VendorAnswer => ({ status, body: JSON.stringify(value) })
const STREAM = 'https://stream.replicate.com/v1/files/abc'

async function house(t: Parameters<typeof startVendor>[0], answer: Parameters<typeof startVendor>[1]) {
  const vendor = await startVendor(t, answer)
  const p = { kind: 'replicate', api_key: 'r8-key', direct: true }
  const { post } = await serve(t, { providers: { p } }, {}, { connect: vendor.connect })
  const messages = [
    { role: 'system', content: 'Be brief.' },
    { role: 'user', content: 'Hello!' },
  ]
  return { vendor, chat: (more: object = {}) => post({ model: 'p/meta/llama', messages, max_tokens: 9, ...more }) }
}

test('a prediction that takes longer is asked for until it has ended', async (t) => {
  const states = ['starting', 'processing', 'succeeded']
  const { vendor, chat } = await house(t, ({ method }) => {
    const status = states.shift() ?? 'succeeded'
    const done = { output: ['Good ', 'day'], metrics: { input_token_count: 4, output_token_count: 2 } }
    return json({ id: 'pr1', status, ...(status === 'succeeded' ? done : {}) }, method === 'POST' ? 201 : 200)
  })
  const answer = await chat()
  const body = (await answer.json()) as { choices: { message: { content: string } }[]; usage: { total_tokens: number } }
  assert.equal(answer.status, 200)
  assert.deepEqual([body.choices[0]?.message.content, body.usage.total_tokens], ['Good day', 6])
  assert.deepEqual(
    vendor.seen.map(({ method, path }) => `${method} ${path}`),
    ['POST /v1/predictions', 'GET /v1/predictions/pr1', 'GET /v1/predictions/pr1'],
  )
  assert.ok(vendor.seen.every(({ headers }) => headers.authorization === 'Bearer r8-key'))
  assert.deepEqual(JSON.parse(vendor.seen[0]?.body ?? ''), {
    version: 'meta/llama',
    input: { prompt: 'Hello!', system_prompt: 'Be brief.', max_tokens: 9 },
  })
})

test('a stream is followed where the vendor says that it is, and ends as it ended', async (t) => {
  const { vendor, chat } = await house(t, ({ origin }) =>
    origin === 'https://api.replicate.com'
      ? json({ id: 'pr1', status: 'starting', urls: { stream: STREAM } }, 201)
      : {
          type: 'text/event-stream',
          body: 'event: output\nid: 1:0\ndata: Good\n\nevent: output\ndata:  day\n\nevent: done\ndata: {}\n\n',
        },
  )
  const text = await (await chat({ stream: true })).text()
  const pieces = [...text.matchAll(/"content":"([^"]*)"/g)].map((match) => match[1])
  assert.equal(pieces.join(''), 'Good day')
  assert.ok(text.endsWith('data: [DONE]\n\n'), text)
  const [, stream] = vendor.seen
  assert.equal(`${stream?.method} ${stream?.origin}${stream?.path}`, `GET ${STREAM}`)
})

test('a credential goes to no stream at another host', async (t) => {
  const { vendor, chat } = await house(t, ({ method }) =>
    method === 'POST'
      ? json({ id: 'pr1', status: 'starting', urls: { stream: 'https://replicate.com.evil.example/x' } }, 201)
      : json({ id: 'pr1', status: 'succeeded', output: 'Hi' }),
  )
  const text = await (await chat({ stream: true })).text()
  assert.ok(text.includes('Hi') && text.endsWith('data: [DONE]\n\n'), text)
  assert.ok(vendor.seen.every(({ origin }) => origin === 'https://api.replicate.com'))
})

test('a prediction that failed, and a request that is refused, are errors', async (t) => {
  const failed = await house(t, () => json({ id: 'pr1', status: 'failed', error: 'CUDA out of memory' }, 201))
  assert.equal((await failed.chat()).status, 502)
  const refused = await house(t, () => json({ title: 'Unprocessable', detail: 'version does not exist' }, 422))
  const answer = await refused.chat()
  assert.equal(answer.status, 422)
  assert.match(await answer.text(), /version does not exist/)
})
