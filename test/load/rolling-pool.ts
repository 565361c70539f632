/*
 * `npm run soak:pool [seconds] [requests in flight]`: both servers of a pool die and come back in turn, under load. No request may
 * fail that another attempt could legally have saved: none that is idempotent, and of the others only one that was on its way.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { ProxyHouse } from '../e2e/proxy-house.ts'
import { keptConnections } from '../harness/ask.ts'
import { Figures, report } from './figures.ts'

const SECONDS = Number(process.argv[2] ?? 60)
const IN_FLIGHT = Number(process.argv[3] ?? 400)
/** How long a server takes for most of them, so that as many are with it when it dies. */
const SLOW_MS = 400
const DOWN_MS = 1_500
const UP_MS = 1_000
const WARM_MS = 4_000

/* Checks as the documentation shows them; all else as it is by default. */
const house = await ProxyHouse.build({ workers: 2, origins: 2, pool: { health: { path: '/up', interval: '1s' } } })
for (const origin of house.origins) {
  origin.on('/slow', (_request, response) => {
    setTimeout(() => response.end('slow'), SLOW_MS)
  })
}

const figures = new Figures()
/** Requests that may have been acted on and must not be sent twice. */
let unsafe = 0
let lost = 0
const agent = keptConnections(IN_FLIGHT)
let inFlight = 0
/** How many there were when each server died. */
const caught: number[] = []
const until = performance.now() + SECONDS * 1_000
const running = () => performance.now() < until

async function loop(method: string, path: string, body?: string): Promise<void> {
  for (let at = 0; running(); at++) {
    const target = `${path}?${method}-${at}`
    inFlight++
    const answer = await house.ask(target, { agent, method, ...(body === undefined ? {} : { body }) })
    inFlight--
    const isUnsafe = method === 'POST'
    if (isUnsafe) unsafe++
    if (isUnsafe && answer.status === 502 && Object(answer.json).code === 'upstream_closed') lost++
    else figures.enter(`${method} ${target}`, answer, (text) => text === 'slow' || text.includes(`"url":"${target}"`))
    await delay(1)
  }
}

const quick = [
  ...Array.from({ length: 2 }, (_, at) => loop('GET', `/plain/${at}`)),
  ...Array.from({ length: 2 }, (_, at) => loop('PUT', `/put/${at}`, 'x'.repeat(1_000))),
  ...Array.from({ length: 2 }, (_, at) => loop('POST', `/post/${at}`, 'x')),
  loop('DELETE', '/delete'),
]
const slow = Array.from({ length: Math.max(0, IN_FLIGHT - quick.length) }, () => loop('GET', '/slow'))
const loops = [...quick, ...slow]
let deaths = 0
/* Retries are a share of the requests: there must have been some. */
await delay(WARM_MS)
while (running()) {
  const origin = house.origins[deaths++ % house.origins.length]
  caught.push(inFlight)
  await origin?.die()
  await delay(DOWN_MS)
  await origin?.listen()
  await delay(UP_MS)
}
await Promise.all(loops)
console.log(`of ${unsafe} requests with POST ${lost} were on their way when a server died, and were not sent twice`)
console.log(`at least ${Math.min(...caught.slice(1))} requests were in flight when a server died`)
report(`${deaths} deaths in ${SECONDS} s`, figures, SECONDS)
agent.destroy()
await house.close()
