/*
 * `npm run soak:reload [seconds]`: reloads every two seconds for a minute, under requests of all kinds, streams, uploads
 * and a WebSocket. Nothing may fail, be cut, or be answered by the wrong route.
 */
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { ProxyHouse, type ProxyHouseOptions } from '../e2e/proxy-house.ts'
import { ask } from '../harness/ask.ts'
import { acceptLines, frameOf, onFrames } from '../harness/web-socket-server.ts'
import { Figures, report } from './figures.ts'

const SECONDS = Number(process.argv[2] ?? 60)
const EVERY_MS = 2_000

const optionsOf = (version: number): ProxyHouseOptions => ({
  workers: 2,
  origins: 2,
  // Each third version has pools of its own.
  pool: { max_connections: 500 + (version % 3) },
  routes: () => [
    { id: 'all', match: { path: '/**' }, upstream: 'pool', upgrade: ['websocket'] },
    { id: 'version', match: { path: '/version' }, respond: { body: `version ${version}` } },
    ...(version % 2 === 0 ? [{ id: 'even', match: { path: '/even/*' }, upstream: 'pool' }] : []),
  ],
})

const house = await ProxyHouse.build(optionsOf(0))
for (const origin of house.origins) {
  origin.on('/stream', async (_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    for (let at = 0; at < 30; at++) {
      response.write(`data: ${at}\n\n`)
      await delay(100)
    }
    response.end('data: end\n\n')
  })
  origin.on('/ws', ({ socket, headers }) => {
    onFrames(socket, ({ payload }) => socket.write(frameOf(payload)))
    socket.on('end', () => socket.end())
    socket.write(acceptLines(String(headers['sec-websocket-key'])))
  })
}

const figures = new Figures()
const until = performance.now() + SECONDS * 1_000
const { url } = house.gateway
const running = () => performance.now() < until

async function loop(path: string, body: Buffer | null, isRight: (text: string) => boolean): Promise<void> {
  for (let at = 0; running(); at++) {
    const target = `${path}?${at}`
    const options = body === null ? {} : { method: 'POST', body }
    // Some connections are new: they may come to a worker that has just taken the new plan, or has not yet.
    const answer = at % 5 === 0 ? await ask(`${url}${target}`, options) : await house.ask(target, options)
    figures.enter(target, answer, isRight)
  }
}

const large = Buffer.alloc(300_000, 'x')
const loops = [
  ...Array.from({ length: 6 }, (_, at) => loop(`/plain/${at}`, null, (text) => text.includes(`"url":"/plain/${at}?`))),
  ...Array.from({ length: 2 }, (_, at) =>
    loop(`/post/${at}`, Buffer.from('small'), (text) => text.includes('"bodyBytes":5,')),
  ),
  ...Array.from({ length: 2 }, (_, at) => loop(`/upload/${at}`, large, (text) => text.includes('"bodyBytes":300000,'))),
  loop('/even/x', null, (text) => text.includes('"url":"/even/x?')),
  loop('/version', null, (text) => text.startsWith('version ')),
  ...Array.from({ length: 30 }, () => loop('/stream', null, (text) => text.endsWith('data: end\n\n'))),
]
const socket = new WebSocket(`${url.replace('http', 'ws')}/ws`)
await once(socket, 'open')
let reloads = 0
while (running()) {
  await delay(EVERY_MS)
  house.gateway.writeConfig(house.config(optionsOf(++reloads)))
  house.gateway.signal('SIGHUP')
  const message = once(socket, 'message')
  socket.send(`${reloads}`)
  if ((await message)[0].data !== `${reloads}`) figures.failures.push(`the WebSocket after reload ${reloads}`)
}
await Promise.all(loops)
socket.close()
const inForce = (await ask(`${url}/version`)).text
if (inForce !== `version ${reloads}`) figures.failures.push(`${inForce} is in force after ${reloads} reloads`)
report(`${reloads} reloads in ${SECONDS} s`, figures, SECONDS)
await house.close()
