import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { matchesPattern } from './checks.ts'
import { parseConfig } from './parse.ts'

test('matches a pattern as the regular expression that it stands for', () => {
  const letters = fc.string({ maxLength: 8, unit: fc.constantFrom('a', 'b', '/', '*') })
  const name = fc.string({ maxLength: 10, unit: fc.constantFrom('a', 'b', '/') })
  fc.assert(
    fc.property(letters, name, (pattern, text) => {
      const expression = new RegExp(`^${pattern.replaceAll('*', '.*')}$`)
      assert.equal(matchesPattern(pattern, text), expression.test(text))
    }),
    { numRuns: 5000 },
  )
})

test('matches a hostile pattern in a time that does not explode', () => {
  const startMs = performance.now()
  assert.equal(matchesPattern(`${'*a'.repeat(500)}*b`, 'a'.repeat(1000)), false)
  assert.ok(performance.now() - startMs < 1000)
})

test('accepts patterns of models, aliases, providers of the file and built-in ones', async () => {
  const text = `providers: { up: { kind: demo } }
models: { fast-chat: { targets: [{ provider: up, model: a }] } }
aliases: { quick: fast-chat }
keys:
  - id: a
    hash: sha256:${'a'.repeat(64)}
    models: { allow: [fast-chat, fast-*, "*", qu*, up/gpt, "up/*", "u*/x", "demo/*"] }
`
  assert.ok((await parseConfig(text, { path: 'a.yaml' })).ok)
  const without = await parseConfig(text, { path: 'a.yaml', builtInProviders: [] })
  assert.ok(!without.ok)
  assert.deepEqual(
    without.errors.map(({ path }) => path),
    ['keys[0].models.allow[7]'],
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
