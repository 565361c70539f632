import assert from 'node:assert/strict'
import { test } from 'node:test'
import { targetOf } from '../../../test/request-path/chat.ts'
import { ModelRegistry } from './registry.ts'

const SMALL = targetOf({ model: 'far-small' })
const made: string[] = []
const make = (model: string) => {
  made.push(model)
  return targetOf({ model })
}
const registry = () =>
  new ModelRegistry(
    [
      { name: 'small', ownedBy: 'far', target: SMALL },
      { name: 'far/known', ownedBy: 'far', target: SMALL },
    ],
    { fast: 'small', straight: 'far/other', lost: 'nothing', 'demo-alias': 'small' },
    [
      { provider: 'far', barePrefix: null, make },
      { provider: 'demo', barePrefix: 'demo-', make: (model) => targetOf({ provider: 'demo', model }) },
    ],
  )

test('finds a target by name, alias and provider', () => {
  const rows = [
    ['small', 'far/far-small'],
    ['fast', 'far/far-small'],
    ['far/known', 'far/far-small'],
    ['far/other', 'far/other'],
    ['straight', 'far/other'],
    ['far/a/b:c@d', 'far/a/b:c@d'],
    ['demo/x', 'demo/x'],
    ['demo-x', 'demo/demo-x'],
    ['demo/demo-x', 'demo/demo-x'],
    ['demo-alias', 'far/far-small'],
  ] as const
  for (const [name, target] of rows) assert.equal(registry().resolve(name)?.name, target, name)
})

test('finds nothing behind names that do not exist', () => {
  for (const name of [
    '',
    'Small',
    'smal',
    'lost',
    'far/',
    'far',
    '/x',
    'near/x',
    ' small',
    'far/ü',
    'far/a b',
    'far/\n',
    `far/${'x'.repeat(200)}`,
    '__proto__',
    'constructor',
  ]) {
    assert.equal(registry().resolve(name), null, name)
  }
})

test('makes the target of a directly addressed name once, and keeps a bounded number of them', () => {
  const models = registry()
  made.length = 0
  assert.equal(models.resolve('far/one'), models.resolve('far/one'))
  assert.deepEqual(made, ['one'])
  for (let at = 0; at < 1_500; at++) models.resolve(`far/m${at}`)
  models.resolve('far/one')
  assert.equal(made.filter((model) => model === 'one').length, 2)
})

test('lists models, then every alias that leads somewhere', () => {
  assert.deepEqual(
    [...registry().list()].map(({ name }) => name),
    ['small', 'far/known', 'fast', 'straight', 'demo-alias'],
  )
})
