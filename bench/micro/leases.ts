/**
 * The same as levels.ts with counters that several gateways share: lent by a real Redis or Valkey that is started for it, far from their
 * limits. The thread that borrows is this one here, so that its CPU is in the figures; the server's is not.
 *
 *     node bench/micro/leases.ts [rounds]
 */
import { LeasedCounters } from '../../src/governance/index.ts'
import { Replica } from '../../test/cluster/replica.ts'
import { eventually } from '../../test/harness/eventually.ts'
import { startRedis } from '../../test/servers/servers.ts'
import { compareKinds, LevelKinds } from './level-kinds.ts'
import { openScene } from './scene.ts'

const redis = await startRedis()
try {
  const replica = await Replica.start({ url: `redis://127.0.0.1:${redis.port}`, name: 'bench', cluster: 'bench' })
  replica.begin()
  await eventually(() => replica.isOpen, { what: 'an open replica' })
  const { cells, desk, lender } = replica
  const scene = await openScene({
    cells,
    desk: (intents) => new LeasedCounters(cells, { seat: 0, intents, desk }),
  })
  await compareKinds(scene, new LevelKinds(scene, 'leased'), Number(process.argv[2] ?? 150))
  const { asked, refused, unavailable } = lender.counts
  console.log(`the lender was asked ${asked} times; ${refused} refusals, ${unavailable} times without an answer`)
  await scene.close()
  await replica.close()
} finally {
  await redis.stop()
}
