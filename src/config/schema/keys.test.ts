import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseConfig } from '../parse.ts'

/** Paths of the errors of a key with these limits. */
async function errorsOf(limits: string): Promise<string[]> {
  const text = `keys: [{ id: a, hash: 'sha256:${'a'.repeat(64)}', limits: { ${limits} } }]\n`
  const result = await parseConfig(text, { path: 'a.yaml' })
  return result.ok ? [] : result.errors.map(({ path }) => path)
}

test('takes limits up to one request a microsecond, which is how finely they are counted', async () => {
  assert.deepEqual(await errorsOf('requests_per_minute: 60000000, burst: 60000000'), [])
  assert.deepEqual(await errorsOf('requests_per_minute: 60000001, burst: 60000001'), [
    'keys[0].limits.requests_per_minute',
    'keys[0].limits.burst',
  ])
})
