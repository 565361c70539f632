import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseConfig } from './parse.ts'

const KEY = `id: a, hash: 'sha256:${'a'.repeat(64)}'`

test('accepts patterns of models, aliases and names that are addressed directly', async () => {
  const text = `providers: { up: { kind: demo, direct: true } }
models: { fast-chat: { targets: [{ provider: up, model: a }] } }
aliases: { quick: fast-chat, brief: up/x, show: demo-chat }
keys: [{ ${KEY}, models: { allow: [fast-chat, fast-*, "*", qu*, up/gpt, "up/*", "u*/x", "demo/*", demo-chat, "*-mini"] } }]
`
  assert.ok((await parseConfig(text, { path: 'a.yaml' })).ok)
  const without = await parseConfig(text, { path: 'a.yaml', builtInProviders: [] })
  assert.ok(!without.ok)
  assert.deepEqual(
    without.errors.map(({ path }) => path),
    ['aliases.show', 'keys[0].models.allow[7]', 'keys[0].models.allow[8]'],
  )
})

test('says that a provider is not direct, where that is why a name is not known', async () => {
  const text = `providers: { up: { kind: demo } }
aliases: { a: up/x }
keys: [{ ${KEY}, models: { allow: ["up/*", up/, demo/] } }]
`
  const result = await parseConfig(text, { path: 'a.yaml' })
  assert.ok(!result.ok)
  assert.deepEqual(
    result.errors.map(({ message }) => message),
    [
      'there is no model `up/x`; the provider `up` is not `direct`',
      '`up/*` matches no model and no alias; the provider `up` is not `direct`',
      '`up/` matches no model and no alias; the provider `up` is not `direct`',
      '`demo/` matches no model and no alias',
    ],
  )
})

test('accepts any kind when the table of kinds is not known, and built-in providers as targets', async () => {
  const text = 'providers: { p: { kind: whatever } }\nmodels: { m: { targets: [{ provider: demo, model: a }] } }\n'
  assert.ok((await parseConfig(text, { path: 'a.yaml' })).ok)
})

test('accepts a public control listener that is meant, and listeners on free ports', async () => {
  for (const text of [
    'control: { listen: "0.0.0.0:9000", allow_public: true }',
    'listen: 127.0.0.1:0\ncontrol: { listen: 127.0.0.1:0 }',
    'control: { listen: "[::1]:9000" }',
    'control: { listen: localhost:9000 }',
    'listen: 0.0.0.0:8080',
  ]) {
    assert.ok((await parseConfig(text, { path: 'a.yaml' })).ok, text)
  }
})

test('says that files go to a provider that is not there', async () => {
  const text = 'providers: { vendor: { kind: demo } }\nfiles: { provider: vendro }\n'
  const result = await parseConfig(text, { path: 'a.yaml' })
  assert.ok(!result.ok)
  assert.deepEqual(
    result.errors.map(({ path, message }) => [path, message]),
    [['files.provider', 'there is no provider `vendro`']],
  )
})

test('says that what is passed through goes to a provider that is not there', async () => {
  const text = 'providers: { vendor: { kind: demo } }\npassthrough: { providers: [vendor, vendro] }\n'
  const result = await parseConfig(text, { path: 'a.yaml' })
  assert.ok(!result.ok)
  assert.deepEqual(
    result.errors.map(({ path, message }) => [path, message]),
    [['passthrough.providers[1]', 'there is no provider `vendro`']],
  )
})

test('a hedge needs a second target, and a time or a percentile', async () => {
  const parse = (hedge: string, targets: string) =>
    parseConfig(
      `providers: { p: { kind: demo } }\nmodels: { m: { hedge: { after: ${hedge} }, targets: [${targets}] } }\n`,
      {
        path: 'a.yaml',
      },
    )
  const one = '{ provider: p, model: a }'
  for (const good of ['800ms', 'p50', 'p95', 'p99.9']) assert.ok((await parse(good, `${one}, ${one}`)).ok, good)
  for (const bad of ['p49', 'p100', '0s', '95', 'soon']) assert.ok(!(await parse(bad, `${one}, ${one}`)).ok, bad)
  const alone = await parse('p95', one)
  assert.ok(!alone.ok)
  assert.deepEqual(
    alone.errors.map(({ path, message }) => [path, message]),
    [['models.m.hedge', 'a hedge needs a second target, here is one']],
  )
})

test('a canary needs a target that exists, and a share above nothing', async () => {
  const parse = (canary: string) =>
    parseConfig(
      `providers: { p: { kind: demo } }\nmodels: { m: { canary: ${canary}, targets: [{ provider: p, model: a }] } }\n`,
      {
        path: 'a.yaml',
      },
    )
  const to = 'target: { provider: p, model: b }'
  for (const share of ['5%', '0.05', '100%', '0.1 %']) assert.ok((await parse(`{ ${to}, share: ${share} }`)).ok, share)
  for (const share of ['0%', '101%', '0', '5', 'some']) {
    assert.ok(!(await parse(`{ ${to}, share: ${share} }`)).ok, share)
  }
  const nowhere = await parse('{ target: { provider: q, model: b }, share: 5% }')
  assert.ok(!nowhere.ok)
  assert.deepEqual(
    nowhere.errors.map(({ path, message }) => [path, message]),
    [['models.m.canary.target.provider', 'there is no provider `q`']],
  )
})
