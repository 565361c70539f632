import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'

const MODULE = new URL('./validate.ts', import.meta.url)
const RUN = `const { validateCommand } = await import(process.env.MODULE)
await validateCommand().parseAsync(process.argv.slice(1), { from: 'user' })`

function createFolder(t: TestContext, files: Record<string, string>): string {
  const folder = mkdtempSync(join(tmpdir(), 'ferro-'))
  t.after(() => rmSync(folder, { recursive: true }))
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content)
  return folder
}

function validate(folder: string, args: readonly string[], env: Record<string, string> = {}) {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--input-type=module', '--eval', RUN, '--', ...args],
    { cwd: folder, env: { ...env, MODULE: MODULE.href, PATH: process.env['PATH'] ?? '' }, encoding: 'utf8' },
  )
  return { status, stdout, stderr }
}

const VALID = `providers: { a: { kind: demo, api_key: "{$SECRET}" } }
models: { m: { targets: [{ provider: a, model: demo-chat }] } }
`

test('prints one line and exits 0 for a valid file, found by its name', (t) => {
  const folder = createFolder(t, { 'ferro.yaml': VALID })
  assert.deepEqual(validate(folder, [], { SECRET: 'x' }), {
    status: 0,
    stdout: 'ferro.yaml: valid: 1 provider, 1 model, 0 keys\n',
    stderr: '',
  })
})

test('prints every error with its line on stderr and exits 1', (t) => {
  const folder = createFolder(t, { 'bad.yaml': 'workres: 1\nproviders: { a: { kind: dmeo } }\n' })
  const { status, stdout, stderr } = validate(folder, ['--config', 'bad.yaml'])
  assert.deepEqual([status, stdout], [1, ''])
  assert.match(
    stderr,
    /^bad\.yaml:1:1: workres: unknown key \(did you mean `workers`\?\)\n {2}1 \| workres: 1\n {4}\| \^\n/,
  )
  assert.match(stderr, /^bad\.yaml:2:25: providers\.a\.kind: unknown provider kind `dmeo`.*\(did you mean `demo`\?\)$/m)
  assert.match(stderr, /^bad\.yaml: invalid: 2 errors$/m)
})

test('refuses names of demo models that there are none of, each at its place', (t) => {
  const config = `providers: { own: { kind: demo, direct: true } }
models: { m: { targets: [{ provider: own, model: demo-nope }] } }
aliases:
  fine: demo/demo-long-7
  short: demo-chat
  lost: demo/demo-nope
  lost-too: demo-error-200
  lost-own: own/nope
`
  const { status, stderr } = validate(createFolder(t, { 'ferro.yaml': config }), [])
  assert.equal(status, 1)
  assert.deepEqual(
    stderr.split('\n').filter((line) => line.startsWith('ferro.yaml:')),
    [
      'ferro.yaml:2:50: models.m.targets[0].model: the provider `own` has no model `demo-nope`',
      'ferro.yaml:6:9: aliases.lost: there is no model `demo/demo-nope`; the provider `demo` has no `demo-nope`',
      'ferro.yaml:7:13: aliases.lost-too: there is no model `demo-error-200`; the provider `demo` has no `demo-error-200`',
      'ferro.yaml:8:13: aliases.lost-own: there is no model `own/nope`; the provider `own` has no `nope`',
      'ferro.yaml: invalid: 4 errors',
    ],
  )
})

test('answers as JSON, with the place of every error', (t) => {
  const folder = createFolder(t, { 'ferro.json': '{ "workers": 0 }' })
  const { status, stdout, stderr } = validate(folder, ['--format', 'json'])
  assert.deepEqual([status, stderr], [1, ''])
  assert.deepEqual(JSON.parse(stdout), {
    valid: false,
    file: 'ferro.json',
    summary: 'invalid: 1 error',
    errors: [{ file: 'ferro.json', line: 1, column: 14, path: 'workers', message: 'must be at least 1' }],
    warnings: [],
  })
})

test('refuses references that do not resolve, and shows no secret that does', (t) => {
  const folder = createFolder(t, { 'ferro.yaml': VALID })
  const { status, stderr } = validate(folder, [])
  assert.equal(status, 1)
  assert.match(stderr, /^ferro\.yaml:1:40: providers\.a\.api_key: environment variable `SECRET` is not set or empty$/m)
  const { stdout } = validate(folder, ['--format', 'json'], { SECRET: 'canary' })
  assert.doesNotMatch(stdout, /canary/)
})

test('warns and still exits 0', (t) => {
  const folder = createFolder(t, { 'ferro.yaml': 'providers: { a: { kind: demo, api_key: canary } }\n' })
  const { status, stdout, stderr } = validate(folder, [])
  assert.equal(status, 0)
  assert.match(stdout, /valid: 1 provider/)
  assert.match(stderr, /^ferro\.yaml:1:40: providers\.a\.api_key: warning: a secret stands in the file/)
  assert.doesNotMatch(stderr, /canary/)
})

test('warns of a credential in a header, by the name of the header', (t) => {
  const headers = '{ x-api-key: canary, Authorization: "Bearer canary", x-team: blue, x-token: "{env.TOKEN}" }'
  const folder = createFolder(t, { 'ferro.yaml': `providers:\n  a:\n    kind: demo\n    headers: ${headers}\n` })
  const { status, stderr } = validate(folder, [], { TOKEN: 'x' })
  assert.equal(status, 0)
  assert.deepEqual(
    [...stderr.matchAll(/^\S+: (\S+): warning: a secret stands/gm)].map(([, path]) => path),
    ['providers.a.headers.x-api-key', 'providers.a.headers.Authorization'],
  )
  assert.doesNotMatch(stderr, /canary/)
})

test('says what to do where there is no file', (t) => {
  const { status, stderr } = validate(createFolder(t, {}), [])
  assert.equal(status, 1)
  assert.match(stderr, /^no configuration here \(ferro\.yaml, .*\); name one with --config\n$/)
})
