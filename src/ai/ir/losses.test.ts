import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { Losses } from './losses.ts'

suite('the report of what a translation lost', () => {
  test('names each kind once, without indexes', () => {
    const losses = new Losses()
    for (const at of [0, 1, 2]) losses.drop(`messages[${at}].name`)
    losses.adapt('temperature')
    assert.equal(losses.header(), 'lossy; dropped=messages[].name; adapted=temperature')
  })

  test('counts the members of one thing where there are too many names, and keeps all others', () => {
    const losses = new Losses()
    losses.drop('logprobs')
    for (let at = 0; at < 40; at++) losses.drop(`messages[].text.odd${at}`)
    losses.drop('messages[].image.detail')
    assert.equal(losses.header(), 'lossy; dropped=logprobs,messages[].image.detail,messages[].text.*(40)')
  })

  test('is short whatever a client sends', () => {
    const losses = new Losses()
    for (let at = 0; at < 2000; at++) losses.drop(`a${at}.b${at}.${'long'.repeat(50)}`)
    for (let at = 0; at < 2000; at++) losses.drop(`odd${at}`)
    assert.ok(losses.header().length < 32 * 100, losses.header())
  })
})
