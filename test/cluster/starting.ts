import { eventually } from '../harness/eventually.ts'
import type { Replica } from './replica.ts'

/** Resolves when the shared counters can be used. */
export async function open(replica: Replica): Promise<Replica> {
  await eventually(() => replica.isOpen, { what: 'an open replica' })
  return replica
}

/** Asks until the store can be asked. */
export async function takeWhenOpen(replica: Replica, taking: Parameters<Replica['take']>[0]): Promise<string> {
  let code = ''
  await eventually(
    async () => {
      code = (await replica.take(taking))?.error.code ?? 'taken'
      return code !== 'governance_backend_unavailable'
    },
    { what: 'an answer of the store' },
  )
  return code
}

/** Ends all of these. */
export async function close(replicas: readonly Replica[]): Promise<void> {
  await Promise.all(replicas.map(async (replica) => await replica.close()))
}
