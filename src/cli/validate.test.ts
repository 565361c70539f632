import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { type TestContext, test } from 'node:test'
import { createAuthority } from '../../test/harness/certificate.ts'
import { COMPILE_CACHE } from '../../test/harness/compile-cache.ts'
import { renderErrors } from '../config/index.ts'
import { validateFile } from './validate.ts'

// As `test/harness/program.ts`.
const PROGRAM = process.env['FERRO_TEST_ENTRY'] ?? resolve(import.meta.dirname, 'main.ts')

function createFolder(t: TestContext, files: Record<string, string>): string {
  const folder = mkdtempSync(join(tmpdir(), 'ferro-'))
  t.after(() => rmSync(folder, { recursive: true }))
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content)
  return folder
}

function validate(folder: string, args: readonly string[], env: Record<string, string> = {}) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [PROGRAM, 'validate', ...args], {
    cwd: folder,
    env: { ...env, PATH: process.env['PATH'] ?? '', ...COMPILE_CACHE },
    encoding: 'utf8',
  })
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

/** A route with as many tables of callers as a route may have. */
function limitedRoute(id: string): string {
  const limits = Array.from({ length: 8 }, (_, at) => `{ by: "header:h${at}", requests_per_minute: 1 }`)
  return `{ id: ${id}, match: { path: /${id} }, respond: {}, rate_limits: [${limits.join(', ')}] }`
}

/** What only compiling finds: the line that is wrong, and what is said of it. Each stands in a document of its own. */
const COMPILED: readonly (readonly [line: string, found: RegExp])[] = [
  [
    'routes: [{ id: a, respond: { body: "{nope}" } }]',
    /1:36: routes\[0\]\.respond\.body: there is no placeholder \{nope\}/,
  ],
  ['routes: [{ id: a, redirect: { to: "/{nope}" } }]', /1:35: routes\[0\]\.redirect\.to: there is no placeholder/],
  ['routes: [{ id: a, redirect: { to: "//{path}a.test" } }]', /1:35: routes\[0\]\.redirect\.to: \{path\} stands where/],
  [
    'routes: [{ id: a, respond: {}, response_headers: { set: { x-a: "{no}" } } }]',
    /1:64: .*response_headers\.set\.x-a: /,
  ],
  ['routes: [{ id: a, match: { path: { regex: "/(" } }, respond: {} }]', /1:34: routes\[0\]\.match\.path: the regex/],
  ['routes: [{ id: a, match: { path: { glob: /a } }, respond: {} }]', /1:34: routes\[0\]\.match\.path: the glob/],
  ['routes: [{ id: a, match: { path: [/a, /b/**c] }, respond: {} }]', /1:39: routes\[0\]\.match\.path\[1\]: /],
  ['routes: [{ id: a, match: { host: "a.*" }, respond: {} }]', /1:34: routes\[0\]\.match\.host: the host "a\.\*"/],
  ['routes: [{ id: a, match: { query: { q: { regex: "[" } } }, respond: {} }]', /1:40: .*\.match\.query\.q: the regex/],
  ['routes: [{ id: a, respond: {} }, { id: b, respond: {} }]', /1:34: routes\[1\]\.match: .*never reached/],
  [
    'routes: [{ id: a, respond: {}, cors: { origins: [a.test] } }]',
    /1:50: routes\[0\]\.cors\.origins\[0\]: .*no origin/,
  ],
  ['routes: [{ id: a, files: { root: /no/such } }]', /1:34: routes\[0\]\.files\.root: .*no folder/],
  [
    'routes: [{ id: a, respond: {}, rate_limits: [{ by: key, requests_per_minute: 1 }] }]',
    /1:52: .*rate_limits\[0\]\.by: /,
  ],
  [
    'routes: [{ id: a, respond: {}, auth: { forward: { url: "ftp://a" } } }]',
    /1:56: .*auth\.forward\.url: expected a URL/,
  ],
  [
    'routes: [{ id: a, respond: {}, auth: { jwt: { issuer: i, audience: a, jwks_file: /no/such } } }]',
    /1:82: routes\[0\]\.auth\.jwt\.jwks_file: /,
  ],
  ['egress: { rules: [{ id: a, action: allow, hosts: ["a*"] }] }', /1:51: egress\.rules\[0\]\.hosts\[0\]: .*no host/],
  [
    'egress: { rules: [{ id: a, action: allow, addresses: [10.0.0.1/8] }] }',
    /1:55: egress\.rules\[0\]\.addresses\[0\]: /,
  ],
  [
    'upstreams: { a: { targets: ["https://a.test"], tls: { ca: /no/such } } }',
    /1:59: upstreams\.a\.tls\.ca: there is no/,
  ],
  [
    'listeners: { a: { listen: "127.0.0.1:1", tls: { certificates: [{ cert: none.pem, key: a.key }] } } }',
    /1:72: listeners\.a\.tls\.certificates\[0\]\.cert: there is no file none\.pem/,
  ],
  [
    'listeners: { a: { listen: "127.0.0.1:1", tls: { certificates: [{ cert: a.pem, key: b.key }] } } }',
    /1:64: listeners\.a\.tls\.certificates\[0\]: The key in b\.key does not belong to the certificate in a\.pem/,
  ],
  [
    'listeners: { a: { listen: "127.0.0.1:1", tls: { certificates: [{ cert: a.key, key: a.pem }] } } }',
    /1:72: .*\.cert: a\.key does not begin with a certificate[\s\S]*1:84: .*\.key: a\.pem holds no private key/,
  ],
  [
    `routes: [${Array.from({ length: 65 }, (_, at) => limitedRoute(`r${at}`)).join(', ')}]`,
    /1:9: routes: no room for slot/,
  ],
]

test('G10 finds what only compiling finds, each at its place, as a start does', async (t) => {
  const authority = createAuthority()
  const [first, second] = [authority.issue({ names: ['a.test'] }), authority.issue({ names: ['a.test'] })]
  const pems = { 'a.pem': first.cert, 'a.key': first.key, 'b.key': second.key }
  const folder = createFolder(t, Object.fromEntries(COMPILED.map(([line], at) => [`${at}.yaml`, `${line}\n`])))
  for (const [name, text] of Object.entries(pems)) writeFileSync(join(folder, name), text)
  const before = process.cwd()
  t.after(() => process.chdir(before))
  process.chdir(folder)
  for (const [at, [line, found]] of COMPILED.entries()) {
    const { valid, errors, text } = await validateFile(`${at}.yaml`, {})
    const shown = renderErrors(errors, text)
    assert.equal(valid, false, line)
    assert.match(shown, found, line)
    assert.doesNotMatch(shown, /BEGIN/)
  }
})

test("finds what is wrong with the operator's own list of models, by its line", async (t) => {
  const folder = createFolder(t, {
    'models.txt': '# ours\nmine/small\t{"c":7}\nmine/large {"c":8}\n',
    'good.txt': 'mine/small\t{"c":7}\n',
  })
  const judged = async (file: string) => {
    writeFileSync(join(folder, 'ferro.yaml'), `catalogue: { file: ${JSON.stringify(join(folder, file))} }\n`)
    const { valid, errors } = await validateFile(join(folder, 'ferro.yaml'), {})
    return [valid, errors.map(({ message }) => message).join()]
  }
  assert.deepEqual(await judged('good.txt'), [true, ''])
  const [wrong, said] = await judged('models.txt')
  assert.equal(wrong, false)
  assert.match(String(said), /models\.txt, line 3: expected/)
  const [missing, why] = await judged('nowhere.txt')
  assert.equal(missing, false)
  assert.match(String(why), /nowhere\.txt/)
})

test('G10 says all of it at once, and a start says the same', (t) => {
  const lines = COMPILED.map(([line]) => line).filter(
    (line) => line.startsWith('routes: [{ id: a,') && !line.includes('{ id: b'),
  )
  const routes = lines.map(
    (line, at) => `  - ${line.slice('routes: ['.length, -1).replace('id: a', `id: r${at}, priority: ${at}`)}`,
  )
  const folder = createFolder(t, { 'ferro.yaml': `routes:\n${routes.join('\n')}\n` })
  const { stderr } = validate(folder, [])
  assert.match(stderr, new RegExp(`invalid: ${lines.length} errors\n$`))
  const started = spawnSync(process.execPath, [PROGRAM, 'run', '--data-dir', 'data'], { cwd: folder, encoding: 'utf8' })
  assert.equal(started.status, 1)
  const verdict = stderr.replace(/^.*invalid: .*\n/m, '')
  assert.ok(started.stderr.includes(verdict), started.stderr)
})

test('counts routes, upstreams and listeners, and models only where there are any', (t) => {
  const web = `upstreams: { a: { targets: ["http://a.test"] } }\nroutes: [{ id: a, upstream: a }]\n`
  const rows = [
    [web, '1 route, 1 upstream'],
    [`${web}listeners: { b: { listen: "127.0.0.1:1" } }\n`, '1 route, 1 upstream, 1 listener'],
    [`${web}providers: { p: { kind: demo } }\n`, '1 route, 1 upstream, 1 provider, 0 models, 0 keys'],
    ['workers: 1\n', '0 providers, 0 models, 0 keys'],
  ] as const
  for (const [text, summary] of rows) {
    const { stdout } = validate(createFolder(t, { 'ferro.yaml': text }), [])
    assert.equal(stdout, `ferro.yaml: valid: ${summary}\n`)
  }
})
