import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { PROGRAM } from '../../test/harness/program.ts'

const HASH = `sha256:${'0'.repeat(64)}`

const CONFIG = `
providers:
  near: { kind: openai-compatible, base_url: http://127.0.0.1:1/v1, api_key: x }
models:
  m:
    strategy: lowest-cost
    targets:
      - { provider: near, model: dear, prices: { input: 10, output: 10 } }
      - { provider: near, model: cheap, prices: { input: 1, output: 1 } }
      - { provider: near, model: off, enabled: false }
      - { provider: near, model: blind, prices: { input: 0, output: 0 }, capabilities: { tools: false } }
  doubled:
    hedge: { after: p95 }
    canary: { target: { provider: near, model: new }, share: 5% }
    shadow: { target: { provider: near, model: dark }, share: 0.1 }
    targets:
      - { provider: near, model: one }
      - { provider: near, model: two }
  ruled:
    strategy:
      type: conditional
      rules: [{ when: { header: { x-tier: gold } }, use: far }]
      otherwise: [m]
    targets: [{ group: m }, { label: far, provider: demo, model: demo-chat }]
  kept:
    targets:
      - { provider: near, model: theirs, visible_to: ["team:pupils"] }
      - { provider: near, model: one }
  taught:
    strategy:
      type: conditional
      rules: [{ when: { organization: school, team: "pu*" }, use: far }]
      otherwise: [near/one]
    targets: [{ provider: near, model: one }, { label: far, provider: demo, model: demo-chat }]
keys:
  - { id: narrow, hash: "${HASH}", models: { allow: [m], deny: [near/cheap] } }
  - { id: taught, hash: "${HASH.replace('0', '1')}", team: pupils }
  - { id: late, hash: "${HASH.replace('0', '2')}", team: gone }
organizations: [{ id: school, models: { deny: [near/dear] } }]
teams:
  - { id: pupils, organization: school, models: { allow: [m] } }
  - { id: gone, enabled: false }
`

function explain(t: TestContext, args: readonly string[], body?: object) {
  const folder = mkdtempSync(join(tmpdir(), 'ferro-'))
  t.after(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, 'ferro.yaml'), CONFIG)
  const input = body === undefined ? '' : JSON.stringify(body)
  const all = ['route', 'explain', ...args, ...(body === undefined ? [] : ['--body', '-'])]
  const { status, stdout, stderr } = spawnSync(process.execPath, [PROGRAM, ...all], {
    cwd: folder,
    input,
    encoding: 'utf8',
  })
  return { status, stdout, stderr }
}

const ids = (stdout: string): string[] => JSON.parse(stdout).order.map(({ id }: { id: string }) => id)

test('route explain prints candidates, why each was kept or dropped, and the order with its numbers', (t) => {
  const { status, stdout, stderr } = explain(t, ['--model', 'm'])
  assert.equal(status, 0, stderr)
  assert.match(stdout, /^m: lowest-cost, a key without limits$/m)
  assert.match(stdout, /statistics: none/)
  assert.match(stdout, /dropped {2}near\/off {2}switched off by `enabled: false`/)
  assert.match(stdout, /kept {5}near\/cheap {2}\$0\.\d+, never measured, 0 % failed/)
  assert.match(stdout, /Order\n {2}1\. near\/blind\n {2}2\. near\/cheap\n {2}3\. near\/dear\n/)
})

test('route explain says when another target is asked beside a slow one, who is tried, and who gets copies', (t) => {
  const { stdout } = explain(t, ['--model', 'doubled'])
  assert.match(stdout, /^Hedge: after as long as 95 of 100 of its answers take, beside it near\/two$/m)
  assert.match(stdout, /^Canary: 5 % go to near\/new first, until more than 5 % of 100 fail$/m)
  assert.match(stdout, /^Shadow: 10 % are copied to near\/dark, 16 at a time, charged to nobody$/m)
})

test('route explain reads the request: tools drop a target without them, a header chooses a rule', (t) => {
  const tools = [{ type: 'function', function: { name: 'f', parameters: {} } }]
  const asked = { model: 'm', messages: [{ role: 'user', content: 'Hi' }], tools }
  const { stdout } = explain(t, ['--format', 'json'], asked)
  assert.deepEqual(ids(stdout), ['near/cheap', 'near/dear'])
  assert.match(stdout, /it calls no tools, and the request has some/)
  const ruled = explain(t, ['--model', 'ruled', '--header', 'X-Tier=gold', '--format', 'json'])
  assert.deepEqual(ids(ruled.stdout), ['demo/demo-chat'])
  assert.equal(JSON.parse(ruled.stdout).groups[0].rule, 'strategy.rules[0]')
  assert.deepEqual(ids(explain(t, ['--model', 'ruled', '--format', 'json']).stdout), [
    'near/blind',
    'near/cheap',
    'near/dear',
  ])
})

test('route explain goes by the rights of a key', (t) => {
  const { stdout } = explain(t, ['--model', 'm', '--key', 'narrow', '--format', 'json'])
  assert.deepEqual(ids(stdout), ['near/blind', 'near/dear'])
  assert.match(stdout, /the key may not use it/)
  assert.deepEqual(ids(explain(t, ['--model', 'ruled', '--key', 'narrow', '--format', 'json']).stdout), [])
})

test('route explain goes by the rights of the levels that a key is in, and names the one that says no', (t) => {
  const { stdout } = explain(t, ['--model', 'm', '--key', 'taught'])
  assert.match(stdout, /^m: lowest-cost, key taught within team:pupils, organization:school$/m)
  assert.match(stdout, /dropped {2}near\/dear {2}the organization "school" of this API key may not use it/)
  assert.match(stdout, /Order\n {2}1\. near\/blind\n {2}2\. near\/cheap\n\n/)
  const other = explain(t, ['--model', 'ruled', '--key', 'taught']).stdout
  assert.match(other, /the team "pupils" of this API key may not use it[\s\S]*nobody is asked/)
  const closed = explain(t, ['--model', 'm', '--key', 'late'])
  assert.notEqual(closed.status, 0)
  assert.match(closed.stderr, /Access is switched off for the team "gone"/)
})

test('route explain goes by who a target is kept for, and by rules that ask for the levels of a key', (t) => {
  const ordered = (...args: string[]) => ids(explain(t, [...args, '--format', 'json']).stdout)
  assert.deepEqual(ordered('--model', 'kept', '--key', 'narrow'), [])
  assert.match(
    explain(t, ['--model', 'kept']).stdout,
    /dropped {2}near\/theirs {2}it is kept for others by `visible_to`/,
  )
  assert.deepEqual(ordered('--model', 'kept'), ['near/one'])
  assert.deepEqual(ordered('--model', 'taught'), ['near/one'])
})

test('route explain says what is wrong with the question', (t) => {
  for (const [args, words] of [
    [['--model', 'nobody'], /The model "nobody" does not exist/],
    [[], /name a model with --model/],
    [['--model', 'm', '--surface', 'fax'], /There is no surface "fax"; there are chat\.completions/],
    [['--model', 'm', '--header', 'x'], /expected name=value/],
  ] as const) {
    const { status, stderr } = explain(t, args)
    assert.notEqual(status, 0)
    assert.match(stderr, words)
  }
})
