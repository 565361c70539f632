import assert from 'node:assert/strict'
import { test } from 'node:test'
import { configError, renderErrors } from './errors.ts'
import { FORMATS } from './formats/format.ts'
import { parseConfig } from './parse.ts'

test('renders file, line, column, key and message, then the line with a caret below the column', async () => {
  const text = 'workers: 1\ntimeouts: { conect: 5s }\n'
  const result = await parseConfig(text, { path: 'etc/ferro.yaml' })
  assert.ok(!result.ok)
  const expected = [
    'etc/ferro.yaml:2:13: timeouts.conect: unknown key (did you mean `connect`?)',
    '  2 | timeouts: { conect: 5s }',
    '    |             ^',
    '',
  ]
  assert.equal(renderErrors(result.errors, text), expected.join('\n'))
})

test('shows a window of a long line, with the caret in it', () => {
  const text = `a: ${'a'.repeat(497)}X${'b'.repeat(500)}`
  const rendered = renderErrors([configError('f', { line: 1, column: 501, path: [] }, { message: 'here' })], text)
  const [, source = '', caret = ''] = rendered.split('\n')
  assert.ok(source.length < 120)
  assert.equal(source[caret.indexOf('^')], 'X')
})

test('stops after a hundred errors and says how many are left', () => {
  const errors = Array.from({ length: 120 }, (_, line) =>
    configError('f', { line, column: 1, path: [] }, { message: 'x' }),
  )
  assert.match(renderErrors(errors, ''), /… and 20 more errors\n$/)
})

test('hands no control characters of a file to the terminal', async () => {
  const text = '{ "aliases": { "a": "\\u001b[31mred" }, "\\u001b[2J": 1, "data\u009b": 2 }'
  const result = await parseConfig(text, { path: 'f.json' })
  assert.ok(!result.ok)
  assert.doesNotMatch(renderErrors(result.errors, text), /[^\P{Cc}\n]/u)
})

test('shows the line of a secret without it, and a reference or a number as it is', async () => {
  const rows = [
    ['keys: [{ id: a, hash: sha256:zz }]', 'keys: [{ id: a, hash: ************'],
    ['providers: { p: { kind: demo, bad: 1, api_key: "{$NAME}" } }', null],
    ['keys: [{ id: a, hash: x, budgets: [{ tokens: 1e400, per: day }] }]', /tokens: 1e400, per: day/],
  ] as const
  for (const [text, shown] of rows) {
    const result = await parseConfig(text, { path: 'f.yaml' })
    assert.ok(!result.ok)
    const rendered = renderErrors(result.errors, text)
    if (shown instanceof RegExp) assert.match(rendered, shown)
    else assert.ok(rendered.includes(`  1 | ${shown ?? text}\n`), rendered)
  }
})

const CANARY = 'sk-canary0123456789abcdef'
/** One that only its place shows to be a secret. */
const PLAIN = 'canaryTextOfNoKnownForm'

/** Broken texts that hold a secret on, or near, the line that is wrong. */
const TEXTS_WITH_SECRETS: Record<string, readonly string[]> = {
  yaml: [
    `providers: { p: { kind: demo, api_key: ${CANARY}, api_key: x } }`,
    `providers: { p: { kind: demo, api_key: ${CANARY} `,
    `providers:\n  p:\n    kind: demo\n    api_kye: ${CANARY}\n`,
    `providers:\n  p:\n    kind: demo\n    api_key: "${CANARY}\n`,
    `providers:\n  p:\n    kind: demo\n    api_key: *${CANARY}\n`,
    `providers:\n  p:\n    kind: demo\n    api_key: @${CANARY}\n`,
    `providers:\n  p:\n    kind: demo\n    api_key: !${CANARY} x\n`,
    `providers: { p: { kind: demo, headers: { x: "${CANARY}\\r\\n" } } }`,
    `providers: { p: { kind: demo, headers: { host: "${CANARY}" } } }`,
    `providers: { p: { kind: demo, base_url: "https://user:${CANARY}@example.com" } }`,
    `providers: { p: { kind: demo, base_url: "https://example.com/?key=${CANARY}" } }`,
    `keys: [{ id: A, hash: ${CANARY} }]`,
    `keys: [{ id: a, hash: "${PLAIN}, ${PLAIN}" }]`,
    `keys:\n  - id: a\n    hash:\n      ${PLAIN} two ${PLAIN}\n`,
    `keys: [{ id: a, hash: "\${X}${PLAIN}" }]`,
    `storage: { url: "${PLAIN} x" }`,
    `providers:\n  p:\n    kind: demo\n    api_kye: \${X}${PLAIN}\n`,
    `providers: { p: { kind: demo, headers: { x: "\${A} ${PLAIN}\\r\\n" } } }`,
    `storage: { url: "mysql://u:${CANARY}@h/d" }`,
    `providers:\n  p:\n    kind: demo\n    api_key: x\n    ${PLAIN}\n`,
    `providers:\n  p:\n    api_key:\n    ${PLAIN}\n    kind: demo\n`,
  ],
  json: [
    `{ "providers": { "p": { "api_key": "${CANARY}" "kind": "demo" } } }`,
    `{ "providers": { "p": { "api_key": ${CANARY} } } }`,
    `{ "providers": { "p": { "api_key": "${CANARY} } } }`,
    `{ "providers": { "p": { "api_key": "${CANARY}", "kind": "nokind", "knd": 1 } } }`,
  ],
  toml: [
    `[providers.p]\napi_key = ${CANARY}\n`,
    `[providers.p]\napi_key = "${CANARY}\n`,
    `[providers.p]\napi_key = '''${PLAIN}\n`,
    `[providers.p]\napi_key = """${PLAIN}\n`,
    `[providers.p]\napi_key =\n${PLAIN}\n`,
    `[providers]\np = { api_key = "${CANARY}" kind = "demo" }\n`,
    `[providers.p]\nkind = "demo"\napi_key = "${CANARY}"\napi_key = "${CANARY}"\n`,
  ],
}

test('shows no secret, whatever is wrong around it', async () => {
  for (const format of FORMATS) {
    for (const text of TEXTS_WITH_SECRETS[format] ?? []) {
      const result = await parseConfig(text, { path: 'f', format, providerKinds: ['demo'] })
      assert.ok(!result.ok, text)
      assert.notEqual(result.errors.length, 0)
      const shown = renderErrors(result.errors, text) + JSON.stringify(result.errors)
      assert.doesNotMatch(shown, /canary/, shown)
    }
  }
})
