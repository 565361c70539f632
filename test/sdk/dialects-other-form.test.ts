import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isObject, parseJson } from '../harness/json.ts'
import { CLIENT_FORMS, eventsIn } from './client-dialects.ts'
import { useDialectHouse } from './dialect-house.ts'
import { VENDORS } from './vendors/index.ts'
import { GREETING } from './vendors/script.ts'

const house = useDialectHouse()

for (const [name, form] of Object.entries(CLIENT_FORMS)) {
  for (const { name: upstream } of VENDORS) {
    for (const stream of [false, true]) {
      const what = stream ? 'a whole answer to a client that streams' : 'a stream to a client that asked for none'
      test(`${name} before ${upstream}: ${what} is put into the form that was asked for`, async () => {
        const { gateway, key } = house()
        const model = house().model(upstream, 'other-form')
        const answer = await fetch(`${gateway.url}${form.path(model, stream)}`, {
          method: 'POST',
          headers: { authorization: `Bearer ${key.secret}`, 'content-type': 'application/json' },
          body: JSON.stringify(form.body(model, stream)),
        })
        const text = await answer.text()
        assert.equal(answer.status, 200, text)
        const type = answer.headers.get('content-type') ?? ''
        assert.match(type, stream ? /^text\/event-stream/ : /^application\/json/)
        if (!stream) {
          assert.ok(isObject(parseJson(text)), text)
          assert.ok(text.includes(JSON.stringify(GREETING).slice(1, -1)), text)
          return
        }
        const events = eventsIn(text)
        assert.ok(events.some(form.ends), text)
        assert.deepEqual(
          events.filter((event) => form.streamError(event) !== null),
          [],
        )
        assert.ok(text.replaceAll(/[^A-Za-z]/g, '').length > GREETING.length)
      })
    }
  }
}
