import type { SeededRandom } from '../crash/random.ts'
import type { House } from '../e2e/house.ts'
import { eventually } from '../harness/eventually.ts'
import { MalformedMessage, readBody, readHead, responseFraming } from '../harness/http-message.ts'
import { RawClient } from '../harness/raw-client.ts'
import { drawRequest, mutated, pieces } from './mutation.ts'

/** An answer comes at once or, when the request is not complete, never; so long it is waited for. */
const ANSWER_MS = 25
/** The connection must be given back in this time, when the client has ended its side. */
const HANG_MS = 10_000

/** What came of one round: the statuses of its answers, and what was wrong with them. */
export interface Outcome {
  readonly statuses: readonly number[]
  readonly problem: string | null
}

/** Sends up to three mutated requests on one connection, cut at random places, and judges what comes back. */
export async function playRound(house: House, random: SeededRandom): Promise<Outcome> {
  const requests = Array.from({ length: random.between(1, 3) }, () => drawRequest(random, house.key.secret))
  const bytes = mutated(random, Buffer.concat(requests))
  const cut = pieces(random, bytes)
  const client = await RawClient.connect(house.gateway.url)
  const said = (what: string) =>
    `${what}: ${JSON.stringify(bytes.toString('latin1').slice(0, 2_000).replaceAll(house.key.secret, '<key>'))}`
  try {
    // Corked writes would arrive as one: each piece is its own.
    for (const piece of cut) await client.send(piece)
    await eventually(() => client.closeKind !== 'open', { deadlineMs: ANSWER_MS, everyMs: 2 }).catch(() => undefined)
    client.finish()
    const closed = await client.waitForClose(HANG_MS).catch(() => null)
    if (closed === null) return { statuses: [], problem: said('the connection is not given back') }
    return judged(client, said)
  } finally {
    client.close()
  }
}

function judged(client: RawClient, said: (what: string) => string): Outcome {
  try {
    const statuses = statusesIn(client.received)
    const odd = statuses.find((status) => status > 599 || status === 500)
    return { statuses, problem: odd === undefined ? null : said(`answered with ${odd}`) }
  } catch (error) {
    return { statuses: [], problem: said(`answered with what is no message of HTTP (${String(error)})`) }
  }
}

/** Reads every answer, interim ones left out. An answer to HEAD is known by what follows it: nothing, or another one. */
function statusesIn(bytes: Buffer): number[] {
  const statuses: number[] = []
  let rest = bytes
  while (rest.length > 0) {
    const head = readHead(rest)
    // The end of our side may have cut it.
    if (head === null) return statuses
    const status = Number(/^HTTP\/1\.1 ([1-5]\d\d) /.exec(head.startLine)?.[1])
    if (Number.isNaN(status)) throw new MalformedMessage(`no status line: ${JSON.stringify(head.startLine)}`)
    if (status >= 200) statuses.push(status)
    const framing = responseFraming(status, head.fields)
    const next = rest.subarray(head.bytes)
    if (next.length === 0 || next.toString('latin1', 0, 9) === 'HTTP/1.1 ') rest = next
    else rest = rest.subarray(readBody(rest, head.bytes, framing, true).end)
  }
  return statuses
}
