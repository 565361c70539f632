import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { keyPair } from '../../test/harness/config.ts'
import { Gateway } from '../../test/harness/gateway.ts'
import { BILLERS } from '../ai/facts.ts'
import { createFerro } from './testing/ferro.ts'

const anyPort = '127.0.0.1:0'

test('proves the books of a gateway that runs and of one that does not, and names what does not agree', async (t) => {
  const { run, folder } = createFerro(t)
  const key = keyPair('dev')
  const gateway = await Gateway.start({
    config: {
      listen: anyPort,
      control: { listen: anyPort },
      workers: 1,
      keys: [
        {
          id: key.id,
          hash: key.hash,
          budgets: [
            { tokens: 1_000_000, per: 'day' },
            { usd: 5, per: 'month' },
          ],
        },
      ],
    },
  })
  t.after(() => gateway.close())
  const args = ['--no-config', '--data-dir', gateway.dataDir]
  for (let n = 0; n < 5; n++) {
    const answer = await fetch(`${gateway.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key.secret}`, 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'demo/demo-chat', messages: [{ role: 'user', content: 'Hello!' }] }),
    })
    assert.equal(answer.status, 200, await answer.text())
  }
  const proved = await run(['ledger', 'verify', ...args])
  assert.deepEqual([proved.code, proved.stderr], [0, ''], proved.stdout)
  assert.match(proved.stdout, /^requests {2}5, with 5 settled attempts: [1-9]\d* tokens, \$0\.0/)
  assert.match(proved.stdout, /\ncounters {2}2 in shared memory are what the entries say\n$/)

  const usage = await run(['usage', '--by', 'key,model', '--per', 'total', ...args])
  assert.match(
    usage.stdout,
    /^PERIOD {2}KEY +MODEL +REQUESTS +TOKENS +COST +ADJUSTED\n- +dev +demo-chat +5 +\d+ +\$0\.\d+ +-\n$/,
  )
  const json: unknown = JSON.parse((await run(['usage', '--by', 'provider', '--format', 'json', ...args])).stdout)
  assert.match(JSON.stringify(json), /"provider":"demo","requests":5/)
  const wrong = await run(['usage', '--by', 'colour', ...args])
  assert.deepEqual([wrong.code, wrong.stdout], [2, ''])
  assert.match((await run(['usage', '--from', '2026-02-30', ...args])).stderr, /expected a date/)

  const database = new DatabaseSync(join(gateway.dataDir, 'ferro.db'), { timeout: 5_000 })
  const damage = (by: number) =>
    database.exec(`UPDATE usage_daily SET tokens = tokens + ${by};
      UPDATE counter_sums SET spent = spent + ${by} WHERE counter = 'key:dev:tokens:day'`)
  damage(7)
  const found = await run(['ledger', 'verify', ...args])
  assert.equal(found.code, 1, found.stdout)
  assert.match(
    found.stdout,
    /\nDIFFERS {3}days: \d{4}-\d\d-\d\d, key dev, demo\/demo-chat: \d+ tokens in usage_daily, \d+ in/,
  )
  const counters =
    /\nDIFFERS {3}counters: key:dev:tokens:day: (\d+) in shared memory, (\d+) in counter_sums, (\d+) in the entries\n$/
  assert.match(found.stdout, counters)
  damage(-7)
  // What a counter has too little is told as well, and stays: to look at the books mends nothing.
  damage(-5)
  for (let turn = 0; turn < 2; turn++) {
    const [, memory, sum, entries] = counters.exec((await run(['ledger', 'verify', ...args])).stdout) ?? []
    assert.deepEqual([Number(sum), entries], [Number(memory) - 5, memory])
  }
  damage(5)
  database.close()

  const spent = /"nanos": (\d+)/.exec((await run(['usage', '--per', 'total', '--format', 'json', ...args])).stdout)?.[1]
  const start = Math.floor(Date.now() / 86_400_000) * 86_400
  const bill = (usd: string) =>
    `start_time,amount_value,amount_currency,line_item\n${start},${usd},usd,"demo-chat, input"\n`
  writeFileSync(join(folder, 'equal.csv'), bill((Number(spent) / 1e9).toFixed(12)))
  writeFileSync(join(folder, 'more.csv'), bill('1.5000000'))
  writeFileSync(join(folder, 'bad.csv'), 'a\n1\n')
  const reconcile = (...more: string[]) => run(['ledger', 'reconcile', '--provider', BILLERS[0], ...args, ...more])
  const equal = await reconcile('--as', 'demo', '--file', 'equal.csv')
  assert.deepEqual([equal.code, equal.stderr], [0, ''], equal.stdout)
  assert.match(equal.stdout, /\n\d{4}-\d\d-\d\d {2}demo-chat {2}\$0\.\d+ +\$0\.\d+ +\$0 +equal\n/)
  assert.match(equal.stdout, /; 0 of 1 lines are apart\n$/)
  const more = await reconcile('--as', 'demo', '--file', 'more.csv')
  assert.equal(more.code, 1)
  assert.match(more.stdout, / DIFFERS +more was billed than went through here\n/)
  assert.equal((await reconcile('--as', 'demo', '--file', 'more.csv', '--tolerance-usd', '2')).code, 0)
  const unnamed = await reconcile('--file', 'more.csv', '--format', 'json')
  assert.equal(unnamed.code, 1)
  assert.match(unnamed.stdout, /"ledger_nanos": null,\n {6}"status": "missing-here"/)
  assert.match((await reconcile('--file', 'bad.csv')).stderr, /is no bill of \w+: there is no column `start_time`/)
  assert.equal((await reconcile('--file', 'nowhere.csv')).code, 2)

  await gateway.stop()
  const after = await run(['ledger', 'verify', '--format', 'json', ...args])
  assert.equal(after.code, 0, after.stdout)
  assert.match(after.stdout, /"differences": \[\],\n {2}"counters": null,\n {2}"journalBytes": 0/)
  const none = await run(['ledger', 'verify', '--no-config', '--data-dir', 'nowhere'])
  assert.match(none.stderr, /there is no data directory/)
})
