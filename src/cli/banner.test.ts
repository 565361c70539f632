import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { type BannerFacts, curlLine, renderBanner } from './banner.ts'

const FACTS: BannerFacts = {
  version: '1.2.3',
  dataUrl: 'http://127.0.0.1:8080',
  listeners: { main: 'http://127.0.0.1:8080' },
  controlUrl: 'http://127.0.0.1:8081',
  configSource: null,
  routes: 0,
  upstreams: 0,
  wantsKeys: true,
  providers: [],
  exampleVariable: 'EXAMPLE_API_KEY',
  firstKey: null,
  adminTokenFile: '/data/admin-token',
  dataDir: '/data',
  createKeyCommand: 'ferro keys create',
  terminal: true,
}

/** The words that a shell makes of the line. */
function wordsOf(line: string, env: Record<string, string> = {}): string[] {
  const { stdout } = spawnSync('sh', ['-c', line.replace(/^curl /, "printf '%s\\n' ")], { env, encoding: 'utf8' })
  return stdout.trimEnd().split('\n')
}

test('gives one line that works as pasted, with the new key or the one in the environment', () => {
  const body = '{"model":"demo/demo-chat","messages":[{"role":"user","content":"Hello!"}]}'
  for (const [firstKey, env] of [
    ['fk-new', {}],
    [null, { FERRO_KEY: 'fk-new' }],
  ] as const) {
    const line = curlLine({ dataUrl: 'http://0.0.0.0:8080', firstKey })
    assert.ok(
      !line.includes('\n') && renderBanner({ ...FACTS, dataUrl: 'http://0.0.0.0:8080', firstKey }).includes(line),
    )
    assert.deepEqual(wordsOf(line, env), [
      'http://127.0.0.1:8080/v1/chat/completions',
      '-H',
      'Authorization: Bearer fk-new',
      '-H',
      'Content-Type: application/json',
      '-d',
      body,
    ])
  }
})

test('says that a new key is kept where the output is kept', () => {
  const text = (terminal: boolean, firstKey: string | null) => renderBanner({ ...FACTS, terminal, firstKey })
  assert.match(text(false, 'fk-new'), /where it is kept, revoke this key/)
  assert.doesNotMatch(text(true, 'fk-new') + text(false, null), /revoke/)
})

test('shows a new key and says that this is the only time', () => {
  const text = renderBanner({ ...FACTS, firstKey: 'fk-new' })
  assert.match(text, /^Ferro Gateway 1\.2\.3\n/)
  assert.match(text, /shown this once[\s\S]*\n {2}fk-new\n[\s\S]*Make another: ferro keys create/)
  assert.match(renderBanner(FACTS), /need a virtual key, here as \$FERRO_KEY\. Make one: ferro keys create/)
})

test('says where it looks and listens, and what it found', () => {
  const found = renderBanner({ ...FACTS, configSource: 'ferro.yaml', providers: ['openai', 'local'] })
  for (const text of ['ferro.yaml', 'openai, local', 'http://127.0.0.1:8081/metrics', '/data/admin-token']) {
    assert.ok(found.includes(text), text)
  }
  assert.match(renderBanner(FACTS), /none found in the environment \(EXAMPLE_API_KEY and the like\); the demo provider/)
  assert.match(renderBanner({ ...FACTS, configSource: 'a.yaml' }), /none configured; the demo provider/)
})

test('names every listener with its scheme, and routes before providers', () => {
  const listeners = { main: FACTS.dataUrl, public: 'https://0.0.0.0:8443' }
  const text = renderBanner({ ...FACTS, listeners, routes: 3, upstreams: 1, firstKey: 'fk-new' })
  assert.match(text, /Listening +http:\/\/127\.0\.0\.1:8080 .*\n +https:\/\/0\.0\.0\.0:8443 {2}\(public\)\n/)
  assert.match(text, /\n {2}Routes +3 routes, 1 upstream\n {2}Providers +none found .*demo provider/)
  assert.match(text, /fk-new[\s\S]*Try it:/)
  assert.doesNotMatch(renderBanner(FACTS), /Routes/)
})

test('of routes that need no keys it shows no key and asks for none, and names the demo provider in one line', () => {
  const text = renderBanner({ ...FACTS, configSource: 'ferro.yaml', routes: 1, wantsKeys: false })
  assert.match(text, /Listening +http:\/\/127\.0\.0\.1:8080\n/)
  assert.match(text, /\n {2}Routes +1 route\n/)
  assert.equal(text.match(/demo provider/g)?.length, 1)
  assert.doesNotMatch(text, /virtual key|Try it|base URL|FERRO_KEY/)
  assert.match(text, /with a key \(ferro keys create\)/)
})
