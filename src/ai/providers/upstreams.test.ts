import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { documentFrom } from '../../config/index.ts'
import type { Transport } from '../../core/index.ts'
import { providersIn } from './found.ts'
import { buildProvider } from './upstreams.ts'

interface Connected {
  readonly origin: string
  readonly connectTimeoutMs: number
  readonly maxConnections: number
}

const transport = (): Transport => ({ dispatch: () => false, close: () => Promise.resolve() })
const DEMO = transport()

/** Builds the provider `p` of a configuration. */
async function built(provider: object, environment: Record<string, string> = {}, more: object = {}) {
  const document = await documentFrom({ providers: { p: provider }, ...more })
  const config = document.providers['p']
  assert.ok(config !== undefined)
  const connected: Connected[] = []
  const connect = (options: Connected) => {
    connected.push(options)
    return transport()
  }
  const made = buildProvider('p', config, document, environment, { demo: DEMO, connect })
  const path = made.endpoints[0]?.endpoint.path('m', false) ?? ''
  return { ...made, root: path.replace(/\/(chat\/completions|messages)$/, ''), connected }
}

/** Flat headers as an object. */
const headersOf = (flat: readonly string[]) =>
  Object.fromEntries(flat.flatMap((name, at) => (at % 2 === 0 ? [[name, flat[at + 1]]] : [])))

test('a path in the base URL stays in front of every request, without its last slash', async () => {
  for (const [url, origin, root] of [
    ['http://models.example', 'http://models.example', ''],
    ['http://models.example/', 'http://models.example', ''],
    ['https://models.example:8443/a/v1//', 'https://models.example:8443', '/a/v1'],
  ] as const) {
    const made = await built({ kind: 'openai-compatible', base_url: url })
    assert.deepEqual([made.upstream.origin, made.root], [origin, root], url)
  }
  const made = await built({ kind: 'openai-compatible', base_url: '{env.URL}' }, { URL: 'http://far.example/v1' })
  assert.deepEqual([made.upstream.origin, made.root], ['http://far.example', '/v1'])
})

test('sessions of Azure stand below v1, whatever version its conversations have', async () => {
  const azure = { kind: 'azure-openai', base_url: 'https://unit.example', api_key: 'k' }
  for (const api_version of ['2024-10-21', 'v1']) {
    const { pathTo } = await built({ ...azure, api_version })
    assert.equal(pathTo('/realtime?model=ours', null), '/openai/v1/realtime?model=ours')
  }
})

test('credentials are resolved once, sent to the provider, and known as secrets', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'ferro-'))
  t.after(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, 'key'), 'from-a-file\n')
  const headers = { 'X-Team': 'blue', 'X-Token': 'Token {env.TOKEN}' }
  const made = await built(
    { kind: 'openai', api_key: `file:${join(folder, 'key')}`, organization: '{$ORG}', headers },
    { TOKEN: 'team-token', ORG: 'org-1' },
  )
  assert.deepEqual(headersOf(made.headers), {
    'content-type': 'application/json',
    'accept-encoding': 'identity',
    authorization: 'Bearer from-a-file',
    'openai-organization': 'org-1',
    'x-team': 'blue',
    'x-token': 'Token team-token',
  })
  for (const secret of ['from-a-file', 'team-token']) assert.ok(made.secrets.texts.includes(secret), secret)
  assert.deepEqual((await built({ kind: 'openai' })).secrets.texts, [])
})

test('knows secrets in every form that could be shown: without their scheme, each reference alone, literals too', async () => {
  const headers = {
    Authorization: 'Bearer {env.TOKEN}',
    'x-pair': '{env.REGION}:{env.TOKEN}',
    'x-api-key': 'literal-secret',
    'x-cookie': 'session=literal-cookie',
    'x-team': 'no-secret-at-all',
  }
  const made = await built(
    { kind: 'openai-compatible', base_url: '{env.URL}', headers },
    { TOKEN: 'team-token-1', REGION: 'eu', URL: 'http://models.example/v1' },
  )
  assert.deepEqual([...made.secrets.texts].sort(), [
    'Bearer team-token-1',
    'eu:team-token-1',
    'literal-secret',
    'session=literal-cookie',
    'team-token-1',
  ])
})

test('a header of the configuration takes the place of the one that the kind would send', async () => {
  const made = await built({ kind: 'openai', api_key: 'sk-unused', headers: { Authorization: 'Basic abc' } })
  assert.equal(made.headers.filter((name) => name === 'authorization').length, 1)
  assert.equal(headersOf(made.headers)['authorization'], 'Basic abc')
})

test('a reference that leads nowhere is named by its place, and its neighbours are not shown', async () => {
  const api_key = 'prefix-{env.SET}-{env.UNSET}'
  await assert.rejects(built({ kind: 'openai', api_key }, { SET: 'top-secret' }), (error: Error) => {
    assert.match(error.message, /^providers\.p\.api_key: environment variable `UNSET` is not set or empty$/)
    return true
  })
  const headers = { 'x-a': '{env.UNSET}' }
  await assert.rejects(built({ kind: 'openai', headers }), /^Error: providers\.p\.headers\.x-a: /)
})

test('deadlines of the provider win over those of all, one by one', async () => {
  const { upstream, connected } = await built(
    { kind: 'openai', timeouts: { connect: '1s', idle: '2s' }, max_connections: 7, pending_timeout: '3s' },
    {},
    { timeouts: { idle: '9s', total: '8s' } },
  )
  assert.deepEqual(upstream.timeouts, {
    connectMs: 1_000,
    firstByteMs: 300_000,
    firstByteStreamMs: 30_000,
    idleMs: 2_000,
    pendingMs: 3_000,
    totalMs: 8_000,
  })
  assert.deepEqual(connected, [{ origin: 'https://api.openai.com', connectTimeoutMs: 1_000, maxConnections: 7 }])
})

test('the demo provider is in the process, and gets no credential', async () => {
  const { upstream, headers, secrets, connected } = await built({ kind: 'demo', api_key: 'canary' })
  assert.equal(upstream.transport, DEMO)
  assert.deepEqual([secrets.texts, connected], [[], []])
  assert.ok(!JSON.stringify(headers).includes('canary'))
})

test('providers are found by their variables, empty ones left out', () => {
  const found = providersIn({ OPENAI_API_KEY: 'x', MISTRAL_API_KEY: '', OTHER_API_KEY: 'y' })
  assert.deepEqual(
    found.map(([kind]) => kind),
    ['openai'],
  )
})
