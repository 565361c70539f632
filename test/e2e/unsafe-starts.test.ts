import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { keyPair } from '../harness/config.ts'
import { Gateway } from '../harness/gateway.ts'
import type { JsonObject } from '../harness/json.ts'

const key = keyPair('dev')
const config = (more: JsonObject = {}): JsonObject => ({
  listen: '127.0.0.1:0',
  control: { listen: '127.0.0.1:0' },
  workers: 1,
  keys: [{ id: key.id, hash: key.hash }],
  ...more,
})

/** How a start ends that must not come to anything, and what it says. */
async function refusedStart(
  t: TestContext,
  more: JsonObject,
  options: Parameters<typeof Gateway.launch>[0] | object = {},
) {
  const gateway = Gateway.launch({ config: config(more), ...options })
  t.after(() => gateway.close())
  const { code } = await gateway.exited
  assert.notEqual(code, 0)
  return gateway.stderr.text
}

test('A17 a control listener that other machines could reach is refused, unless that is said in so many words', async (t) => {
  const said = await refusedStart(t, { control: { listen: '0.0.0.0:0' } })
  assert.match(said, /control\.allow_public: true/)
  const copied = { id: 'copied', hash: `sha256:${'43e24456c6aadff88813353881f2261edfa92be129e08ae89685f2ef1957f4c4'}` }
  const keys = [{ id: key.id, hash: key.hash }, copied]
  const gateway = await Gateway.start({
    config: config({ control: { listen: '0.0.0.0:0', allow_public: true }, keys }),
  })
  t.after(() => gateway.close())
  assert.match(gateway.stderr.text, /a key of the documentation.*ferro hash-key --generate.*keys\[1\]\.hash/)
  // Even then nothing is open that is not on loopback: metrics need a token as well, and no page of another site is let in.
  const url = gateway.controlUrl.replace('0.0.0.0', '127.0.0.1')
  for (const path of ['/metrics', '/admin/v1/status', '/admin/v1/api-keys', '/admin/v1/audit']) {
    const answer = await fetch(`${url}${path}`, { headers: { connection: 'close' } })
    assert.equal(answer.status, 401, path)
    assert.equal(answer.headers.get('access-control-allow-origin'), null)
  }
  const foreign = await fetch(`${url}/metrics`, { headers: { origin: 'https://evil.test', connection: 'close' } })
  assert.equal(foreign.status, 403)
})

test('A17 a secret that could be guessed is refused, wherever it comes from', async (t) => {
  const dataDir = mkdtempSync(join(tmpdir(), 'ferro-weak-'))
  t.after(() => rmSync(dataDir, { recursive: true, force: true }))
  writeFileSync(join(dataDir, 'admin-token'), 'admin\n')
  const said = await refusedStart(t, {}, { dataDir })
  assert.match(said, /admin-token holds no secret of at least 16 characters/)
  assert.match(await refusedStart(t, {}, { env: { FERRO_PEPPER: 'pepper' } }), /FERRO_PEPPER has fewer than 16/)
  const open = await refusedStart(t, { control: { listen: '127.0.0.1:0', auth: 'off' } })
  assert.match(open, /auth/, 'there is no switch that opens the admin API')
})
