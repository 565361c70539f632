import { setTimeout as delay } from 'node:timers/promises'
import type { SeededRandom } from '../crash/random.ts'
import { type ChatClient, errorCode } from '../harness/client.ts'
import type { Cell } from './cells.ts'

/** One request as its client saw it; moments on the clock of this process, in milliseconds. */
export interface Sent {
  readonly nonce: string
  readonly sentAt: number
  /** When its client left; null when it stayed. */
  readonly leftAt: number | null
  /** When the answer, or the connection, had ended for the client. */
  readonly doneAt: number
  /** Null when no head came. */
  readonly status: number | null
  readonly code: unknown
}

export interface Crowd {
  readonly clients: readonly ChatClient[]
  readonly cell: Pick<Cell, 'models' | 'headers'>
  /** How many requests each sends, one after the other. */
  readonly requests: number
  readonly random: SeededRandom
  /** What this share of the requests asks; the others ask any model. */
  readonly usual: { readonly share: number; readonly model: string; readonly stream?: boolean }
}

const LEAVES = 0.2
const LONGEST_STAY_MS = 40
const LONGEST_PAUSE_MS = 100

/** All clients at once; a fifth of the requests is left by their clients at a random moment. */
export async function sendAll({ clients, cell, requests, random, usual }: Crowd): Promise<Sent[]> {
  const all = await Promise.all(
    clients.map(async (client) => {
      const sent: Sent[] = []
      for (let turn = 0; turn < requests; turn++) {
        const each = await sendOne(client, { cell, random, usual })
        sent.push(each)
        // Who is refused comes back a little later: at once, all would be over before what was let through has ended.
        if (each.status === 429 || each.status === 402) await delay(random.between(0, LONGEST_PAUSE_MS))
      }
      return sent
    }),
  )
  return all.flat()
}

/** One well-behaved request, as long as all others. */
export async function sendPlain(client: ChatClient, { headers }: Pick<Cell, 'headers'>): Promise<Sent> {
  return await settled(client.start({ model: 'ok', headers, body: { max_tokens: 8 } }), performance.now(), null)
}

async function sendOne(
  client: ChatClient,
  { cell, random, usual }: Pick<Crowd, 'cell' | 'random' | 'usual'>,
): Promise<Sent> {
  const { share, ...request } = usual
  const asked = random.next() < share ? request : { model: random.pick(cell.models) }
  const stayMs = random.next() < LEAVES ? random.between(0, LONGEST_STAY_MS) : null
  const kind = random.pick(['fin', 'rst'] as const)
  const sentAt = performance.now()
  const call = client.start({ stream: random.next() < 0.5, ...asked, headers: cell.headers, body: { max_tokens: 8 } })
  if (stayMs === null) return await settled(call, sentAt, null)
  const isOver = await Promise.race([call.result.then(() => true), delay(stayMs, false)])
  if (isOver) return await settled(call, sentAt, null)
  const leftAt = performance.now()
  call.leave(kind)
  return await settled(call, sentAt, leftAt)
}

async function settled(call: ReturnType<ChatClient['start']>, sentAt: number, leftAt: number | null): Promise<Sent> {
  const { entry, status, json } = await call.result
  return { nonce: entry.nonce, sentAt, leftAt, doneAt: performance.now(), status, code: errorCode(json) }
}
