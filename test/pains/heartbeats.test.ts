import assert from 'node:assert/strict'
import { afterEach, test } from 'node:test'
import { within } from '../harness/eventually.ts'
import { isObject, type JsonObject, parseJson } from '../harness/json.ts'
import { useDialectHouse } from '../sdk/dialect-house.ts'
import { GREETING, SCRIPTS } from '../sdk/vendors/script.ts'

/*
 * Pain 16: a client's connection lives while a model thinks in silence. Pain 3: the client is told what its answer costs, also
 * in a stream.
 */

const prices = { input: 3, output: 15 }
const house = useDialectHouse({
  answers: { heartbeat: '80ms' },
  timeouts: { idle: '1500ms', first_byte_stream: '700ms' },
  models: {
    'priced-openai': { targets: [{ provider: 'openai', model: 'gpt-5.2--text', prices }] },
    'priced-anthropic': { targets: [{ provider: 'anthropic', model: 'claude-sonnet-4-5--text', prices }] },
    'priced-gemini': { targets: [{ provider: 'gemini', model: 'gemini-3-pro--text', prices }] },
  },
})
afterEach(() => house().assertClean())

const FIRST_WORD = GREETING.slice(0, 2)
const COMMENT = ': \n\n'
const messages = [{ role: 'user' as const, content: 'Hello' }]

/** Has a vendor stop behind the first words of its answer, or at once, until the returned function is called. */
function pausing(vendor: string, name: string, from: 'start' | 'words' = 'words'): () => void {
  const server = house().server(vendor)
  const { promise, resolve } = Promise.withResolvers<void>()
  const script = SCRIPTS['text']
  assert.ok(script !== undefined)
  const { vendor: maker } = server
  const pieces = maker.stream(script)
  // What comes before says nothing yet, and does not begin the answer.
  const behind = from === 'start' ? 0 : pieces.findIndex((piece) => Buffer.from(piece).includes(FIRST_WORD)) + 1
  server.own.set(name, { type: maker.streamType, pieces, hold: { behind, until: promise } })
  return resolve
}

/** The text of a stream; `seen` is called with all of it so far. */
async function read(answer: Response, seen: (text: string) => void = () => undefined): Promise<string> {
  let text = ''
  const decoder = new TextDecoder()
  for await (const chunk of answer.body ?? []) {
    text += decoder.decode(chunk, { stream: true })
    seen(text)
  }
  return text
}

const beats = (text: string) => text.split(COMMENT).length - 1
const withoutComments = (text: string) => text.replaceAll(COMMENT, '')

test('pain 16: comments stand between the events of a stream whose upstream is silent, relayed and translated', async () => {
  for (const vendor of ['openai', 'anthropic', 'gemini', 'bedrock', 'ollama']) {
    const release = pausing(vendor, 'pausing')
    const model = house().model(vendor, 'pausing')
    const answer = await house().post('/v1/chat/completions', { model, messages, stream: true })
    assert.equal(answer.status, 200)
    const text = await read(answer, (so) => {
      if (beats(so) >= 3) release()
    })
    assert.ok(beats(text) >= 3, vendor)
    const events = withoutComments(text).split('\n\n')
    assert.equal(events.at(-1), '')
    const pieces = events.slice(0, -1).map((event) => {
      assert.ok(event.startsWith('data: '), `${vendor}: ${event}`)
      return event.slice('data: '.length)
    })
    assert.equal(pieces.at(-1), '[DONE]')
    const said = pieces.slice(0, -1).map((data) => textOf(parseJson(data)))
    assert.equal(said.join(''), GREETING, vendor)
  }
})

function textOf(chunk: unknown): string {
  const choices = isObject(chunk) && Array.isArray(chunk['choices']) ? chunk['choices'] : []
  const [choice] = choices.filter(isObject)
  const delta: JsonObject = isObject(choice?.['delta']) ? choice['delta'] : {}
  return typeof delta['content'] === 'string' ? delta['content'] : ''
}

test('pain 16: official clients read such streams as if there were no comments', async () => {
  for (const vendor of ['openai', 'anthropic', 'gemini']) {
    const release = pausing(vendor, 'pausing')
    const watching: typeof fetch = async (input, init) => {
      const answer = await fetch(input, init)
      const [own, watched] = answer.body?.tee() ?? []
      void read(new Response(watched), (text) => {
        if (beats(text) >= 2) release()
      })
      return new Response(own, { status: answer.status, headers: answer.headers })
    }
    const model = house().model(vendor, 'pausing')
    const chat = house().openai({ fetch: watching }).chat.completions.stream({ model, messages, stream: true })
    assert.equal((await chat.finalChatCompletion()).choices[0]?.message.content, GREETING)
    const again = pausing(vendor, 'pausing')
    const claude = house().anthropic({
      fetch: async (input, init) => {
        const answer = await fetch(input, init)
        const [own, watched] = answer.body?.tee() ?? []
        void read(new Response(watched), (text) => {
          if (beats(text) >= 2) again()
        })
        return new Response(own, { status: answer.status, headers: answer.headers })
      },
    })
    const message = await claude.messages.stream({ model, messages, max_tokens: 100 }).finalMessage()
    assert.equal(message.content.map((block) => (block.type === 'text' ? block.text : '')).join(''), GREETING)
  }
})

test("pain 16: Google's client reads them as well, and a stream that is one array of JSON has none", async () => {
  const release = pausing('openai', 'pausing')
  const timer = setTimeout(release, 400)
  const stream = await house()
    .google()
    .models.generateContentStream({ model: house().model('openai', 'pausing'), contents: 'Hello' })
  let text = ''
  for await (const chunk of stream) text += chunk.text ?? ''
  clearTimeout(timer)
  assert.equal(text, GREETING)
  for (const vendor of ['gemini', 'openai']) {
    const go = pausing(vendor, 'pausing')
    setTimeout(go, 400)
    const path = `/v1beta/models/${encodeURIComponent(house().model(vendor, 'pausing'))}:streamGenerateContent`
    const answer = await house().post(path, { contents: [{ role: 'user', parts: [{ text: 'Hello' }] }] })
    const body = await read(answer)
    assert.ok(Array.isArray(parseJson(body)), body)
    assert.equal(beats(body), 0)
  }
})

test('S9 pain 16: there is none before the first byte of an answer, which is still refused as a whole', async () => {
  for (const vendor of ['openai', 'anthropic']) {
    const release = pausing(vendor, 'mute', 'start')
    const model = house().model(vendor, 'mute')
    const answer = await house().post('/v1/chat/completions', { model, messages, stream: true })
    release()
    assert.equal(answer.status, 504, vendor)
    assert.doesNotMatch(await answer.text(), /^:/)
  }
})

test('S9 pain 16: comments do not keep an upstream alive: its silence ends with an error, and with no forged end', async () => {
  for (const vendor of ['openai', 'anthropic']) {
    const release = pausing(vendor, 'dead')
    const model = house().model(vendor, 'dead')
    const answer = await house().post('/v1/chat/completions', { model, messages, stream: true })
    const text = await within(read(answer), 10_000, 'the end of a stream whose upstream is silent')
    release()
    assert.ok(beats(text) >= 3, vendor)
    assert.match(text, /"error"/)
    assert.doesNotMatch(text, /\[DONE\]|"finish_reason":"/)
  }
})

async function costOf(answer: Response): Promise<string> {
  const record = await house().record(answer.headers.get('x-ferro-request-id'))
  return String(record['cost_nanos'])
}

test('pain 3: a request that asks for it is told what its answer costs, as the record has it', async () => {
  const asking = { 'x-ferro-usage': 'cost' }
  for (const model of ['priced-openai', 'priced-anthropic', 'priced-gemini']) {
    const ask = (stream: boolean, headers = {}) =>
      house().post('/v1/chat/completions', { model, messages, ...(stream && { stream }) }, headers)
    const whole = await ask(false, asking)
    await whole.text()
    const told = whole.headers.get('x-ferro-cost-nanos')
    assert.ok(Number(told) > 0, model)
    assert.equal(told, await costOf(whole))
    const streamed = await ask(true, asking)
    const text = await streamed.text()
    assert.match(text, /data: \[DONE\]\n\n: x-ferro-cost-nanos \d+\n\n$/)
    assert.equal(/x-ferro-cost-nanos (\d+)/.exec(text)?.[1], await costOf(streamed))
    for (const unasked of [await ask(false), await ask(true)]) {
      assert.equal(unasked.headers.get('x-ferro-cost-nanos'), null)
      assert.doesNotMatch(await unasked.text(), /cost/)
    }
  }
})

test('pain 3: other dialects are told in the same way, and what has no price has no cost to tell', async () => {
  const headers = { 'x-ferro-usage': 'cost' }
  const body = { model: 'priced-anthropic', messages, max_tokens: 100 }
  const relayed = await house().post('/v1/messages', { ...body, stream: true }, headers)
  assert.match(await relayed.text(), /message_stop[\s\S]*: x-ferro-cost-nanos \d+\n\n$/)
  const unpriced = await house().post('/v1/messages', { ...body, model: house().model('cohere', 'text') }, headers)
  assert.equal(unpriced.headers.get('x-ferro-cost-nanos'), null)
  await unpriced.text()
})
