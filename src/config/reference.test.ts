import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { parseConfig } from './parse.ts'
import { findMalformedReference, isReference, resolveReference } from './reference.ts'
import { Secret } from './secret.ts'
import { unresolvedReferences } from './unresolved.ts'

const dollar = (name: string): string => `$\{${name}}`
const noFile = (): string => assert.fail('no file is read')

function reveal(text: string, env: Record<string, string>): string {
  const resolved = resolveReference(text, env, noFile)
  return resolved.ok ? resolved.secret.reveal() : `missing: ${resolved.missing}`
}

test('resolves the three ways to name a variable, anywhere in a text', () => {
  const env = { KEY: 'k', other_1: 'o' }
  assert.equal(reveal(dollar('KEY'), env), 'k')
  assert.equal(reveal('{env.KEY}', env), 'k')
  assert.equal(reveal('{$KEY}', env), 'k')
  assert.equal(reveal(`Bearer ${dollar('KEY')}-{$other_1}`, env), 'Bearer k-o')
  assert.equal(reveal('as it stands {x} $y', env), 'as it stands {x} $y')
})

test('does not resolve what a value brings along', () => {
  assert.equal(reveal('{$A}', { A: '{$B}', B: 'b' }), '{$B}')
  assert.equal(reveal('{$A}', { A: '$&' }), '$&')
})

test('A18 names every variable that is unset or empty, and nothing that is inherited', () => {
  assert.equal(reveal('{$A}', {}), 'missing: environment variable `A` is not set or empty')
  assert.equal(reveal('{$A}{$B}{$A}', { B: '' }), 'missing: environment variables `A`, `B` are not set or empty')
  assert.equal(reveal('{$constructor}', {}), 'missing: environment variable `constructor` is not set or empty')
})

test('tells references from texts and from what only looks like one', () => {
  for (const text of [dollar('A'), 'x{env.A}', '{$A}', 'file:/a']) {
    assert.ok(isReference(text), text)
    assert.equal(findMalformedReference(text), null, text)
  }
  for (const text of ['A', '$A', '{A}', 'profile:/a', '']) {
    assert.ok(!isReference(text), text)
    assert.equal(findMalformedReference(text), null, text)
  }
  for (const text of [dollar('A-B'), dollar(''), '{env.}', '{$1}', 'file:', `{$A}${dollar('A:-b')}`]) {
    assert.notEqual(findMalformedReference(text), null, text)
  }
})

test('reads a file of at most 64 KiB and drops one trailing line break', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'ferro-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const put = (name: string, content: string): string => {
    writeFileSync(join(folder, name), content)
    return `file:${join(folder, name)}`
  }
  const read = (text: string): string => {
    const resolved = resolveReference(text, {})
    return resolved.ok ? resolved.secret.reveal() : resolved.missing
  }
  assert.equal(read(put('a', 'secret\n')), 'secret')
  assert.equal(read(put('b', 'secret\r\n')), 'secret')
  assert.equal(read(put('c', 'two\n\n')), 'two\n')
  assert.equal(read(put('d', 'x'.repeat(65_536))).length, 65_536)
  assert.match(read(put('e', 'x'.repeat(65_537))), /cannot be read: is larger than 64 KiB$/)
  assert.match(read(put('f', '\n')), /is empty$/)
  assert.match(read(`file:${folder}`), /cannot be read: is not a regular file$/)
  assert.match(read(`file:${join(folder, 'nothing')}`), /cannot be read: ENOENT$/)
})

test('prints a secret in no way but one', () => {
  const secret = new Secret('canary')
  const shown = [String(secret), `key ${secret.toString()}`, JSON.stringify({ secret }), inspect({ a: [secret] })]
  for (const text of shown) assert.match(text, /\[secret\]/)
  shown.push(JSON.stringify(structuredClone(secret)), inspect(structuredClone(secret)), Object.keys(secret).join())
  for (const text of shown) assert.doesNotMatch(text, /canary/)
  assert.equal(secret.reveal(), 'canary')
})

test('reports every reference that cannot be used, where it stands', async () => {
  const text = `providers:
  a: { kind: demo, api_key: "{$SET}", organization: "{$UNSET}" }
  b:
    kind: demo
    base_url: "{$NOT_A_URL}"
    headers: { x-a: "{$LINES}", x-b: "file:/nowhere" }
storage: { url: "{$SET}" }
`
  const result = await parseConfig(text, { path: 'f.yaml' })
  assert.ok(result.ok)
  const env = { SET: 'canary', NOT_A_URL: 'canary', LINES: 'canary\ncanary' }
  const readFile = (): string => {
    throw Object.assign(new Error('canary'), { code: 'EACCES' })
  }
  const errors = await unresolvedReferences(result.document, {
    positions: result.positions,
    file: 'f.yaml',
    env,
    readFile,
  })
  assert.deepEqual(
    errors.map(({ line, column, path, message }) => `${line}:${column} ${path}: ${message}`),
    [
      '2:53 providers.a.organization: environment variable `UNSET` is not set or empty',
      '5:15 providers.b.base_url: stands for something else: expected a URL that starts with https:// or http://',
      '6:21 providers.b.headers.x-a: stands for a value that no header can hold',
      '6:38 providers.b.headers.x-b: file `/nowhere` cannot be read: EACCES',
      '7:17 storage.url: stands for something else: expected `sqlite:` and the path of a file, or a URL of PostgreSQL',
    ],
  )
})
