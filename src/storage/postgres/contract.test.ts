import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import { PrivatePostgres } from '../../../test/servers/private-postgres.ts'
import { serverSuite } from '../../../test/servers/servers.ts'

/** What holds for a database of the gateway, whichever it is. */
const CONTRACT = [
  'writer.test.ts',
  'recovery.test.ts',
  'retention.test.ts',
  'reader-queries.test.ts',
  'usage-query.test.ts',
  'ledger/verify.test.ts',
  'ledger/usage-claims.test.ts',
  'ledger/held-amounts.test.ts',
  'ledger/awaited-usage.test.ts',
  'content/content-store.test.ts',
  'sqlite/key-table.test.ts',
  'administration.test.ts',
]

serverSuite('postgres', 'the contract of storage', () => {
  let server: PrivatePostgres
  before(async () => {
    server = await PrivatePostgres.start()
  })
  after(() => server?.close())

  test('holds for PostgreSQL as it does for SQLite', { timeout: 300_000 }, async () => {
    const files = CONTRACT.map((file) => path.join(import.meta.dirname, '..', file))
    const { NODE_TEST_CONTEXT: _ours, ...environment } = process.env
    const env = { ...environment, FERRO_TEST_POSTGRES: server.url() }
    const args = ['--test', '--test-isolation=none', '--test-reporter=spec', ...files]
    const { stdout } = await promisify(execFile)(process.execPath, args, {
      env,
      maxBuffer: 64 * 2 ** 20,
      timeout: 290_000,
    }).catch((error: { stdout?: string }) => assert.fail(`it does not:\n${error.stdout ?? ''}`))
    const passed = Number(/^ℹ pass (\d+)$/m.exec(stdout)?.[1] ?? 0)
    assert.ok(passed > 60, `only ${passed} tests ran`)
  })
})
