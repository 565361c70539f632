import { setTimeout as delay } from 'node:timers/promises'
import { Redis } from 'ioredis'
import type { StoreName, Stores } from './stores.ts'
import { type Scene, type Strike, VICTIMS } from './victims.ts'

/** Longest that a store is away: requests are refused or journals grow for so long. */
const LONGEST_AWAY_MS = 2_500

type OnStores = (scene: Scene, stores: Stores) => Promise<void>

async function away({ random }: Scene): Promise<void> {
  await delay(random.between(0, LONGEST_AWAY_MS))
}

/** It dies and comes back without what it held. */
const killCounters: OnStores = async (scene, { redis }) => {
  await redis?.kill()
  await away(scene)
  await redis?.restart()
}

/** It answers nobody, and what was sent to it meanwhile is done later. */
const freezeCounters: OnStores = async (scene, { redis }) => {
  redis?.freeze()
  await away(scene)
  redis?.thaw()
}

const emptyCounters: OnStores = async (_scene, { redis }) => {
  const client = new Redis(redis?.port ?? 0, '127.0.0.1')
  try {
    await client.flushall()
  } finally {
    client.disconnect()
  }
}

const endDatabase =
  (how: 'kill' | 'stop'): OnStores =>
  async (scene, { postgres }) => {
    await postgres?.[how]()
    await away(scene)
    await postgres?.start()
  }

/** The process and a store die in the same moment. */
const withProcess =
  (strike: OnStores): OnStores =>
  async (scene, stores) => {
    const { house, stopLoad } = scene
    await Promise.all([house.gateway.kill9(), strike(scene, stores)])
    house.wall.release()
    await stopLoad()
    await house.gateway.restart()
  }

const withThread =
  (strike: OnStores, victim: string): OnStores =>
  async (scene, stores) => {
    await Promise.all([strike(scene, stores), VICTIMS[victim]?.(scene)])
  }

const together =
  (...strikes: readonly OnStores[]): OnStores =>
  async (scene, stores) => {
    await Promise.all(strikes.map(async (strike) => await strike(scene, stores)))
  }

const ON_STORES: Readonly<Record<string, { readonly needs: readonly StoreName[]; readonly strike: OnStores }>> = {
  'counter store killed': { needs: ['redis'], strike: killCounters },
  'counter store emptied': { needs: ['redis'], strike: emptyCounters },
  'counter store frozen': { needs: ['redis'], strike: freezeCounters },
  'counter store and process': { needs: ['redis'], strike: withProcess(killCounters) },
  'counter store and worker': { needs: ['redis'], strike: withThread(killCounters, 'worker exits') },
  'database killed': { needs: ['postgres'], strike: endDatabase('kill') },
  'database stopped': { needs: ['postgres'], strike: endDatabase('stop') },
  'database and process': { needs: ['postgres'], strike: withProcess(endDatabase('kill')) },
  'database and worker': { needs: ['postgres'], strike: withThread(endDatabase('kill'), 'worker terminated') },
  'database and counter store': {
    needs: ['redis', 'postgres'],
    strike: together(killCounters, endDatabase('kill')),
  },
  'all stores and process': {
    needs: ['redis', 'postgres'],
    strike: withProcess(together(killCounters, endDatabase('kill'))),
  },
}

/** What may happen to these stores, by name. */
export function storeVictims(names: readonly StoreName[]): Record<string, Strike> {
  const possible = Object.entries(ON_STORES).filter(([, { needs }]) => needs.every((each) => names.includes(each)))
  return Object.fromEntries(
    possible.map(([name, { strike }]): [string, Strike] => [
      name,
      async (scene) => {
        if (scene.stores === null) throw new Error(`${name} needs a scene with stores`)
        await strike(scene, scene.stores)
      },
    ]),
  )
}
