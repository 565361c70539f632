import assert from 'node:assert/strict'
import { test } from 'node:test'
import { documentFrom } from '../config/index.ts'
import { listenersOf, newAddresses, samePorts } from './listeners.ts'

const documentOf = async (listeners: Readonly<Record<string, string>>, more: object = {}) =>
  await documentFrom({
    ...more,
    listeners: Object.fromEntries(Object.entries(listeners).map(([name, listen]) => [name, { listen }])),
  })

test('the top-level address is the main listener, unless one of that name is there', async () => {
  const rows = [
    [{}, ['main 8080']],
    [{ b: '127.0.0.1:2' }, ['main 8080', 'b 2']],
    [{ b: '127.0.0.1:2', main: '127.0.0.1:3' }, ['main 3', 'b 2']],
  ] as const
  for (const [listeners, expected] of rows) {
    const found = listenersOf(await documentOf(listeners)).map(({ name, config }) => `${name} ${config.listen.port}`)
    assert.deepEqual(found, expected)
  }
})

test('a reload keeps the ports that were found, where the address is the same', async () => {
  const old = await documentOf({ a: '127.0.0.1:0', b: '127.0.0.1:0', c: '127.0.0.1:3', gone: '127.0.0.1:0' })
  const next = await documentOf({ a: '127.0.0.1:0', b: '127.0.0.2:0', c: '127.0.0.1:0', fresh: '127.0.0.1:0' })
  assert.deepEqual(samePorts({ main: 1, a: 2, b: 3, c: 4, gone: 5 }, old, next), { main: 1, a: 2 })
})

test('addresses that are new are told, and whether we hold their port already', async () => {
  const old = await documentOf({ a: '127.0.0.1:1', b: '127.0.0.1:2' })
  const next = await documentOf({ moved: '127.0.0.1:1', b: '0.0.0.0:2', c: '127.0.0.1:4' })
  const found = newAddresses(old, next).map(({ name, beside }) => [name, beside])
  assert.deepEqual(found, [
    ['b', 'ourselves'],
    ['c', 'nobody'],
  ])
})
