import assert from 'node:assert/strict'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as delay } from 'node:timers/promises'
import type { House } from '../e2e/house.ts'
import { within } from '../harness/eventually.ts'
import type { Order, Role, Threads } from '../process/threads.ts'
import type { SeededRandom } from './random.ts'
import type { Stores } from './stores.ts'

/** A gateway under load, and what a fault may need to strike it. */
export interface Scene {
  readonly house: House
  readonly threads: Threads
  /** Servers that it needs; null: none. */
  readonly stores: Stores | null
  readonly random: SeededRandom
  /** Sends nothing new and resolves when all that was sent has ended. */
  readonly stopLoad: () => Promise<void>
}

/** Something that happens to the gateway; resolves when it serves again. */
export type Strike = (scene: Scene) => Promise<void>

const REPLACED_WITHIN_MS = 30_000
const KNOCK_EVERY_MS = 100

/** One thread fails, and another one takes its place. */
const thread =
  (role: Role, order: Order): Strike =>
  async ({ house, threads, random }) => {
    const known = await threads.living(role)
    const victim = await threads.any(role, random.next)
    await threads.order(victim, order)
    await knocking(house, () => threads.replaced(victim, known, REPLACED_WITHIN_MS))
  }

/** Asks on new connections meanwhile: those of the load may all be with another worker than the one that is to fail. */
async function knocking(house: House, wait: () => Promise<unknown>): Promise<void> {
  const asked: Promise<unknown>[] = []
  const knock = setInterval(() => {
    asked.push(house.client.chat({ headers: { connection: 'close' } }))
  }, KNOCK_EVERY_MS)
  try {
    await wait()
  } finally {
    clearInterval(knock)
  }
  await Promise.all(asked)
}

/** A worker is ended from outside, at whatever instruction it is. */
const terminateWorker: Strike = async ({ threads, random }) => {
  const known = await threads.living('data')
  const victim = await threads.any('data', random.next)
  await threads.terminate(victim)
  await threads.replaced(victim, known, REPLACED_WITHIN_MS)
}

const both =
  (first: Strike, second: Strike): Strike =>
  async (scene) => {
    await Promise.all([first(scene), second(scene)])
  }

const killProcess: Strike = async ({ house, stopLoad }) => {
  await house.gateway.kill9()
  house.wall.release()
  await stopLoad()
  await house.gateway.restart()
}

/** The process dies at a worker's next write to the journal. */
const killAtWrite =
  (moment: 'before' | 'half' | 'after'): Strike =>
  async ({ house, threads, random, stopLoad }) => {
    await threads.order(await threads.any('data', random.next), `write ${moment} kill`)
    await knocking(house, () => within(house.gateway.exited, REPLACED_WITHIN_MS, 'the end of the process'))
    house.wall.release()
    await stopLoad()
    await house.gateway.restart()
  }

/** The control thread fails, and with it the process; whoever runs it starts it again. */
const controlDies =
  (order: Order): Strike =>
  async ({ house, threads, random, stopLoad }) => {
    await threads.order(await threads.any('main', random.next), order)
    await within(house.gateway.exited, REPLACED_WITHIN_MS, `the end of the process after ${order}`)
    house.wall.release()
    await stopLoad()
    await house.gateway.restart()
  }

/** The control thread stands still for a while: nobody is answered there, and traffic goes on. */
const controlStalls: Strike = async ({ house, threads, random }) => {
  const ms = random.between(1_000, 4_000)
  const served = () => house.client.log.filter(({ status }) => status === 200).length
  const before = served()
  await threads.order(await threads.any('main', random.next), `stall ${ms}`)
  const answer = await fetch(`${house.gateway.controlUrl}/livez`, { signal: AbortSignal.timeout(REPLACED_WITHIN_MS) })
  await answer.arrayBuffer()
  assert.ok(served() > before, `nobody was served while the control thread stood still for ${ms} ms`)
}

/** The process is killed while a dead worker is mended or replaced. */
const killDuringRepair: Strike = async (scene) => {
  const { threads, random } = scene
  await threads.order(await threads.any('data', random.next), 'throw')
  await delay(random.between(0, 150))
  await killProcess(scene)
}

const stopInOrder: Strike = async ({ house, stopLoad }) => {
  house.gateway.signal('SIGTERM')
  house.wall.release()
  await stopLoad()
  assert.deepEqual(await house.gateway.exited, { code: 0, signal: null })
  await house.gateway.restart()
}

/** Another program holds the database while threads die. */
const lockedDatabase =
  (strike: Strike): Strike =>
  async (scene) => {
    const database = new DatabaseSync(scene.house.gateway.databasePath, { timeout: 10_000 })
    database.exec('BEGIN IMMEDIATE')
    try {
      await strike(scene)
      await delay(scene.random.between(0, 500))
    } finally {
      database.exec('ROLLBACK')
      database.close()
    }
  }

const oneAfterTheOther =
  (first: Strike, second: Strike): Strike =>
  async (scene) => {
    await first(scene)
    await second(scene)
  }

/** Everything that can happen, by name. */
export const VICTIMS: Readonly<Record<string, Strike>> = {
  process: killProcess,
  'process during repair': killDuringRepair,
  'orderly stop': stopInOrder,
  'process before write': killAtWrite('before'),
  'process within write': killAtWrite('half'),
  'process after write': killAtWrite('after'),
  'worker before write': thread('data', 'write before exit'),
  'worker within write': thread('data', 'write half exit'),
  'worker after write': thread('data', 'write after exit'),
  'worker terminated': terminateWorker,
  'worker throws': thread('data', 'throw'),
  'worker exits': thread('data', 'exit'),
  'worker out of memory': thread('data', 'oom'),
  'worker stalls': thread('data', 'stall 60000'),
  'control throws': controlDies('throw'),
  'control exits': controlDies('exit'),
  'control rejects': controlDies('reject'),
  'control out of memory': controlDies('oom'),
  'control stalls': controlStalls,
  'writer throws': thread('writer', 'throw'),
  'writer exits': thread('writer', 'exit'),
  'worker and writer': both(thread('data', 'throw'), thread('writer', 'throw')),
  'worker without database': lockedDatabase(thread('data', 'exit')),
  'both without database': lockedDatabase(
    oneAfterTheOther(thread('data', 'write half exit'), thread('writer', 'throw')),
  ),
  'both together without database': lockedDatabase(both(thread('data', 'exit'), thread('writer', 'exit'))),
}
