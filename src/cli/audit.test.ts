import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createFerro } from './testing/ferro.ts'

test('says who changed what, newest first, without a gateway as with one, and never a secret', async (t) => {
  const { run } = createFerro(t)
  const made: unknown = JSON.parse((await run(['keys', 'create', '--id', 'ci', '--format', 'json'])).stdout)
  assert.ok(typeof made === 'object' && made !== null && 'secret' in made)
  await run(['keys', 'rotate', 'ci'])
  await run(['keys', 'revoke', 'ci'])
  const { stdout, stderr, code } = await run(['audit'])
  assert.deepEqual([code, stderr], [0, ''])
  const lines = stdout.trimEnd().split('\n')
  assert.match(lines[0] ?? '', /^TIME +WHO +FROM +WHAT +OF +CHANGED$/)
  assert.deepEqual(
    lines.slice(1).map((line) => line.replace(/^\S+ +/, '').replaceAll(/ {2,}/g, ' ')),
    [
      'command-line - key.revoke key:ci state, revoked_at',
      'command-line - key.rotate key:ci prefix, previous_valid_until',
      'command-line - key.create key:ci',
    ],
  )
  assert.ok(!stdout.includes(String(made.secret)))
  const json: unknown = JSON.parse((await run(['audit', '--action', 'key.create', '--format', 'json'])).stdout)
  assert.match(
    JSON.stringify(json),
    /"target":"key:ci","outcome":"done","reason":null,"before":null,"after":\{"id":"ci"/,
  )
  assert.equal((await run(['audit', '--target', 'team:none'])).stdout, 'Nothing was changed.\n')
  assert.equal((await run(['audit', '--limit', '0'])).code, 2)
})
