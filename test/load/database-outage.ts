/**
 * A PostgreSQL database that is killed under load and stays away: `npm run load:database [seconds]`. Traffic must go on, the
 * journal must be in the database afterwards, each request once. Prints what happened; exits with 1 when something is wrong.
 */

import { setTimeout as delay } from 'node:timers/promises'
import { House } from '../e2e/house.ts'
import { violations } from '../harness/checker.ts'
import { eventually } from '../harness/eventually.ts'
import { readLedger } from '../harness/ledger-snapshot.ts'
import { findSamples } from '../harness/metrics.ts'
import { BIG_BUDGET } from '../process/budget-metrics.ts'
import { Load, MIXED_MODELS } from '../process/load.ts'
import { PrivatePostgres } from '../servers/private-postgres.ts'

const seconds = Number(process.argv[2] ?? 60)

const server = await PrivatePostgres.start()
const house = await House.build({
  models: [...MIXED_MODELS],
  key: BIG_BUDGET,
  more: { storage: { url: server.url() } },
})
try {
  const sample = async (name: string) => findSamples(await house.gateway.metrics(), name)[0]?.value
  const load = new Load(house.client)
  await eventually(() => load.served > 100, { deadlineMs: 30_000 })
  await server.kill()
  const before = load.served
  await delay(seconds * 1_000)
  const during = load.served - before
  const journal = await sample('ferro_journal_bytes')
  const beganMs = performance.now()
  await server.start()
  await eventually(async () => (await sample('ferro_database_available')) === 1, { deadlineMs: 60_000 })
  const backMs = performance.now() - beganMs
  await load.stop()
  const found = await violations(house.evidence, 60_000)
  const { requests, ledger } = readLedger(server.url())
  const lines = [
    `away      ${seconds} s, ${during} requests were answered meanwhile, ${load.failed.length} of all failed`,
    `journal   ${journal ?? '?'} bytes when it came back`,
    `back      used again after ${Math.round(backMs)} ms`,
    `books     ${requests.length} records and ${ledger.length / 2} attempts of ${house.wall.requests.length} that were dispatched`,
    ...found.map((sentence) => `WRONG     ${sentence}`),
  ]
  console.log(lines.join('\n'))
  if (found.length > 0 || load.failed.length > 0) process.exitCode = 1
} finally {
  await house.close()
  await server.close()
}
