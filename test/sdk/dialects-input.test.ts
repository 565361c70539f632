import assert from 'node:assert/strict'
import { afterEach, test } from 'node:test'
import { parseJson } from '../harness/json.ts'
import { CLIENT_FORMS, type ClientForm, type ToldError } from './client-dialects.ts'
import { useDialectHouse } from './dialect-house.ts'
import { VENDORS } from './vendors/index.ts'

const house = useDialectHouse({ limits: { body: 200_000 } })
afterEach(() => house().assertClean())

interface Answer {
  readonly status: number
  readonly told: ToldError | null
  readonly text: string
}

/** Sends this body and says what came back; fails when anything reached a vendor. */
async function refused(
  form: ClientForm,
  body: string | Buffer,
  more: { model?: string; key?: string | null; type?: string } = {},
): Promise<Answer> {
  const { gateway, key } = house()
  const { model = house().model('cohere', 'text'), key: secret = key.secret, type = 'application/json' } = more
  const before = VENDORS.map(({ name }) => house().server(name).requests.length)
  const answer = await fetch(`${gateway.url}${form.path(model, false)}`, {
    method: 'POST',
    headers: { 'content-type': type, ...(secret !== null && { authorization: `Bearer ${secret}` }) },
    body,
  })
  const text = await answer.text()
  const after = VENDORS.map(({ name }) => house().server(name).requests.length)
  assert.deepEqual(after, before, `it was dispatched: ${text}`)
  return { status: answer.status, told: form.error(parseJson(text)), text }
}

for (const [name, form] of Object.entries(CLIENT_FORMS)) {
  // No client speaks its dialect, so that every request is decoded.
  const model = () => house().model('cohere', 'text')
  const body = (more: object = {}) => JSON.stringify({ ...form.body(model(), false), ...more })
  const expect = (answer: Answer, status: number) => {
    assert.equal(answer.status, status, answer.text)
    assert.ok(answer.told !== null, `no error of ${name}: ${answer.text}`)
    assert.notEqual(answer.told.message, '')
  }

  test(`${name}: what is no JSON, or cut, or no object, is a 400 of this dialect`, async () => {
    for (const text of ['', 'hello', '{', body().slice(0, -3), '[]', 'null', '"text"', `${body()} {}`, '\ufeff{}']) {
      expect(await refused(form, text), 400)
    }
    expect(await refused(form, Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d])), 400)
    expect(await refused(form, '['.repeat(20_000)), 400)
    expect(await refused(form, body(), { type: 'text/plain' }), 415)
  })

  test(`${name}: a member that is missing or of another type is a 400 that names it`, async () => {
    const said = form.body(model(), false)
    const { [form.content]: _content, ...without } = said
    // Answers can be asked for without an input, when an earlier one is named.
    const missing = await refused(form, JSON.stringify(without))
    expect(missing, 400)
    for (const wrong of [7, true, {}]) expect(await refused(form, body({ [form.content]: wrong })), 400)
    for (const limit of [-1, 0, 1.5, 'many', [], 1e300]) {
      const answer = await refused(form, body(form.limit(limit)))
      expect(answer, 400)
      assert.match(answer.text, /max/i)
    }
    if ('model' in said) {
      for (const wrong of [undefined, null, 7, '', {}]) expect(await refused(form, body({ model: wrong })), 400)
      for (const wrong of [7, 'yes', {}]) expect(await refused(form, body({ stream: wrong })), 400)
    }
    for (const temperature of ['hot', {}, []]) {
      const wrong = name === 'gemini' ? { generationConfig: { temperature } } : { temperature }
      const answer = await refused(form, body(wrong))
      expect(answer, 400)
      assert.match(answer.text, /temperature/)
    }
  })

  test(`${name}: wrong parts of the conversation are a 400 that names the place`, async () => {
    const wrongs: Readonly<Record<string, readonly unknown[]>> = {
      'openai-chat': [
        [],
        [7],
        [{ role: 'nobody', content: 'x' }],
        [{ content: 'x' }],
        [{ role: 'user', content: [{ type: 'text' }] }],
      ],
      'openai-responses': [[7], [{ type: 'message', role: 'nobody', content: 'x' }]],
      'openai-completions': [[{}], [[]]],
      'anthropic-messages': [
        [],
        [7],
        [{ role: 'nobody', content: 'x' }],
        [{ role: 'user' }],
        [{ role: 'user', content: [{ type: 'text' }] }],
      ],
      gemini: [[], [7], [{ role: 'nobody', parts: [{ text: 'x' }] }], [{ role: 'user', parts: [{ text: 7 }] }]],
    }
    for (const wrong of wrongs[name] ?? []) {
      const answer = await refused(form, body({ [form.content]: wrong }))
      expect(answer, 400)
      assert.ok(answer.text.includes(form.content), answer.text)
    }
  })

  test(`${name}: a model that does not exist is a 404 of this dialect`, async () => {
    for (const unknown of ['nobody/gpt-0', 'gpt-0']) {
      const answer = await refused(form, JSON.stringify(form.body(unknown, false)), { model: unknown })
      expect(answer, 404)
      assert.match(answer.text, /gpt-0/)
    }
  })

  test(`${name}: no key and a wrong one are a 401 of this dialect`, async () => {
    expect(await refused(form, body(), { key: null }), 401)
    expect(await refused(form, body(), { key: 'fk-wrong' }), 401)
  })

  test(`${name}: a body that is too large is a 413 of this dialect`, async () => {
    expect(await refused(form, body({ padding: 'x'.repeat(300_000) })), 413)
  })

  test(`${name}: a governed member that stands twice is a 400 of this dialect`, async () => {
    const [, limit = ''] = /^\{(.*)\}$/.exec(JSON.stringify(form.limit(5))) ?? []
    for (const twice of [limit, JSON.stringify({ [form.content]: [] }).slice(1, -1)]) {
      const text = `{${twice},${body(form.limit(6)).slice(1)}`
      const answer = await refused(form, text)
      expect(answer, 400)
      assert.match(answer.text, /twice/)
    }
  })
}
