import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { type BannerFacts, curlLine, renderBanner } from './banner.ts'

const FACTS: BannerFacts = {
  version: '1.2.3',
  dataUrl: 'http://127.0.0.1:8080',
  controlUrl: 'http://127.0.0.1:8081',
  configSource: null,
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
