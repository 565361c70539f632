import assert from 'node:assert/strict'
import { test } from 'node:test'
import { targetOf } from '../../../test/request-path/chat.ts'
import { groupOfTarget } from '../routing/testing/groups.ts'
import { ModelRegistry } from './registry.ts'

const SMALL = targetOf({ model: 'far-small' })
const made: string[] = []
const make = (model: string) => {
  made.push(model)
  return groupOfTarget(targetOf({ model }))
}
const registry = () =>
  new ModelRegistry({
    entries: [
      { name: 'small', ownedBy: 'far', group: groupOfTarget(SMALL), configured: true },
      { name: 'far/known', ownedBy: 'far', group: groupOfTarget(SMALL), configured: true },
      {
        name: 'demo-chat',
        ownedBy: 'demo',
        group: groupOfTarget(targetOf({ provider: 'demo', model: 'demo-chat' })),
        configured: false,
      },
    ],
    aliases: { fast: 'small', straight: 'far/other', lost: 'nothing', 'demo-alias': 'small' },
    direct: [
      { provider: 'far', barePrefix: null, make },
      { provider: 'demo', barePrefix: 'demo-', make: (model) => groupOfTarget(targetOf({ provider: 'demo', model })) },
    ],
  })

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
  for (const [name, target] of rows) assert.equal(registry().resolve(name)?.first.name, target, name)
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
    ['small', 'far/known', 'demo-chat', 'fast', 'straight', 'demo-alias'],
  )
})

const sorted = (names: readonly string[] | undefined) => [...(names ?? [])].sort()

test('knows every name of a model: aliases and spellings mean the same entry, others are only served alike', () => {
  const rows: readonly (readonly [name: string, same: readonly string[], served: readonly string[]])[] = [
    ['small', ['demo-alias', 'fast', 'small'], ['demo-alias', 'far/far-small', 'far/known', 'fast', 'small']],
    ['fast', ['demo-alias', 'fast', 'small'], ['demo-alias', 'far/far-small', 'far/known', 'fast', 'small']],
    ['far/far-small', ['far/far-small'], ['demo-alias', 'far/far-small', 'far/known', 'fast', 'small']],
    ['straight', ['far/other', 'straight'], ['far/other', 'straight']],
    ['demo-chat', ['demo-chat', 'demo/demo-chat'], ['demo-chat', 'demo/demo-chat']],
    ['demo/demo-chat', ['demo-chat', 'demo/demo-chat'], ['demo-chat', 'demo/demo-chat']],
    ['demo-x', ['demo-x', 'demo/demo-x'], ['demo-x', 'demo/demo-x']],
    ['demo/y', ['demo/y'], ['demo/y']],
  ]
  for (const [name, same, served] of rows) {
    const names = registry().namesOf(name)?.[0]
    assert.deepEqual([sorted(names?.same), sorted(names?.served)], [same, served], name)
  }
  for (const name of ['lost', 'smal', 'far/', '__proto__']) assert.equal(registry().namesOf(name), null, name)
})

test('an alias stands in front of a known model of the same name, in the list and in what a key may use', () => {
  const demoChat = targetOf({ provider: 'demo', model: 'demo-chat' })
  const models = new ModelRegistry({
    entries: [
      { name: 'small', ownedBy: 'far', group: groupOfTarget(SMALL), configured: true },
      { name: 'demo-chat', ownedBy: 'demo', group: groupOfTarget(demoChat), configured: false },
    ],
    aliases: { 'demo-chat': 'small' },
    direct: [{ provider: 'demo', barePrefix: 'demo-', make: () => groupOfTarget(demoChat) }],
  })
  assert.deepEqual(
    [...models.list()].map(({ name, entry }) => [name, entry.ownedBy]),
    [
      ['small', 'far'],
      ['demo-chat', 'far'],
    ],
  )
  assert.deepEqual(sorted(models.namesOf('demo/demo-chat')?.[0]?.same), ['demo/demo-chat'])
  assert.deepEqual(sorted(models.namesOf('demo-chat')?.[0]?.same), ['demo-chat', 'small'])
})

test('a configured name is not taken for the spelling of what it does not lead to', () => {
  const models = new ModelRegistry({
    entries: [
      { name: 'demo-chat', ownedBy: 'far', group: groupOfTarget(SMALL), configured: true },
      {
        name: 'demo-x',
        ownedBy: 'demo',
        group: groupOfTarget(targetOf({ provider: 'demo', model: 'demo-x' })),
        configured: true,
      },
    ],
    aliases: {},
    direct: [
      { provider: 'demo', barePrefix: 'demo-', make: (model) => groupOfTarget(targetOf({ provider: 'demo', model })) },
    ],
  })
  assert.deepEqual(sorted(models.namesOf('demo/demo-chat')?.[0]?.served), ['demo/demo-chat'])
  assert.deepEqual(sorted(models.namesOf('demo-chat')?.[0]?.served), ['demo-chat', 'far/far-small'])
  assert.deepEqual(sorted(models.namesOf('demo-x')?.[0]?.same), ['demo-x'], 'it may have prices of its own')
  assert.deepEqual(sorted(models.namesOf('demo/demo-x')?.[0]?.same), ['demo/demo-x'], 'likewise')
  assert.deepEqual(sorted(models.namesOf('demo-x')?.[0]?.served), ['demo-x', 'demo/demo-x'])
})
