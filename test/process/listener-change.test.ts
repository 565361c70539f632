import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { Agent, get as getPlain } from 'node:http'
import { get as getSecure } from 'node:https'
import { createServer } from 'node:net'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { connect, type TLSSocket } from 'node:tls'
import { ask, startAsking } from '../harness/ask.ts'
import { createAuthority } from '../harness/certificate.ts'
import { eventually } from '../harness/eventually.ts'
import { Gateway } from '../harness/gateway.ts'
import { at, isObject, type JsonObject, parseJson } from '../harness/json.ts'
import { findSamples } from '../harness/metrics.ts'
import { Origin } from '../harness/origin.ts'
import { freePort } from '../servers/servers.ts'
import { Threads } from './threads.ts'

const authority = createAuthority()

/** A gateway of two workers with routes to one server; `/slow` waits until it is let go. */
class Web {
  readonly gateway: Gateway
  readonly origin: Origin
  readonly config: JsonObject
  #waiting: (() => void)[] = []

  private constructor(gateway: Gateway, origin: Origin, config: JsonObject) {
    this.gateway = gateway
    this.origin = origin
    this.config = config
    origin.on('/slow', (_request, response) => void this.#waiting.push(() => response.end('slow')))
  }

  static async build(t: TestContext, more: JsonObject = {}, threads: Threads | null = null): Promise<Web> {
    const origin = await Origin.start()
    t.after(() => origin.die())
    const config = {
      listen: '127.0.0.1:0',
      control: { listen: '127.0.0.1:0' },
      workers: 2,
      log: { access: { output: 'off' } },
      upstreams: { app: { targets: [origin.url], ejection: { failures: 0 }, balance: { panic_below: 'never' } } },
      routes: [{ id: 'all', upstream: 'app', retry: { attempts: 1 } }],
      ...more,
    }
    const gateway = await Gateway.start({ config, ...threads?.gateway })
    t.after(() => gateway.close())
    return new Web(gateway, origin, config)
  }

  get waiting(): number {
    return this.#waiting.length
  }

  letGo(): void {
    for (const done of this.#waiting.splice(0)) done()
  }

  /** Where the listeners are, as other programs are told. */
  listeners(): JsonObject {
    const instance = parseJson(readFileSync(join(this.gateway.dataDir, 'instance.json'), 'utf8'))
    const listeners = at(instance, 'listeners')
    return isObject(listeners) ? listeners : {}
  }

  logged(text: string | RegExp, from = 0): boolean {
    const log = this.gateway.stderr.text.slice(from)
    return typeof text === 'string' ? log.includes(text) : text.test(log)
  }

  /** Writes the file and resolves when the log says this of it. */
  async reload(changes: JsonObject, said: string | RegExp = 'the configuration was reloaded'): Promise<void> {
    const from = this.gateway.stderr.text.length
    this.gateway.writeConfig({ ...this.config, ...changes })
    this.gateway.signal('SIGHUP')
    await eventually(() => this.logged(said, from), { deadlineMs: 40_000, what: String(said) })
  }
}

/** Asks on a new connection each time, until it is stopped; says what went wrong. */
function keepAsking(url: string): { stop: () => Promise<{ failures: string[]; asked: number }> } {
  let [running, asked] = [true, 0]
  const failures: string[] = []
  const loop = async () => {
    while (running) {
      const status = await new Promise<string>((resolve) => {
        const get = url.startsWith('https:') ? getSecure : getPlain
        const request = get(url, { agent: false, ca: authority.cert, servername: 'a.test' } as object, (answer) => {
          answer.resume().on('end', () => resolve(String(answer.statusCode)))
          answer.on('error', (error) => resolve(String(error)))
        })
        request.on('error', (error) => resolve(String(error)))
      })
      asked++
      if (status !== '200') failures.push(status)
    }
  }
  const loops = [loop(), loop(), loop()]
  const stop = async () => {
    running = false
    await Promise.all(loops)
    return { failures, asked }
  }
  return { stop }
}

test('G3 listeners change under load: no connection is refused, the old one drains, the new one is told', {
  timeout: 180_000,
}, async (t) => {
  const [oldPort, newPort] = [await freePort(), await freePort()]
  const listeners = { old: { listen: `127.0.0.1:${oldPort}` } }
  const web = await Web.build(t, { listeners })
  const main = keepAsking(`${web.gateway.url}/load`)
  t.after(() => main.stop())
  assert.deepEqual(web.listeners(), { main: web.gateway.url, old: `http://127.0.0.1:${oldPort}` })
  const agent = new Agent({ keepAlive: true })
  t.after(() => agent.destroy())
  const slow = Array.from({ length: 4 }, () => startAsking(`http://127.0.0.1:${oldPort}/slow`, { agent }))
  await eventually(() => web.waiting === 4)

  const from = web.gateway.stderr.text.length
  await web.reload({ listeners: { fresh: { listen: `127.0.0.1:${newPort}` }, open: { listen: '127.0.0.1:0' } } })
  await eventually(() => 'fresh' in web.listeners(), { deadlineMs: 40_000, what: 'the new listener to be told' })
  const { fresh, open, old } = web.listeners()
  assert.deepEqual([fresh, old], [`http://127.0.0.1:${newPort}`, undefined])
  const both = [keepAsking(`${String(fresh)}/new`), keepAsking(`${String(open)}/open`)]
  t.after(() => Promise.all(both.map((each) => each.stop())))
  const token = readFileSync(join(web.gateway.dataDir, 'admin-token'), 'utf8').trim()
  const status = await ask(`${web.gateway.controlUrl}/admin/v1/status`, {
    headers: { authorization: `Bearer ${token}` },
  })
  assert.deepEqual(at(status.json, 'listeners'), web.listeners())

  web.letGo()
  for (const each of slow) assert.equal((await each.answer).text, 'slow')
  await eventually(() => web.logged('the data workers were replaced', from), { deadlineMs: 60_000 })
  const { failures, asked } = await main.stop()
  assert.deepEqual(failures, [])
  t.diagnostic(`${asked} connections to the listener that stayed`)
  for (const each of both) {
    const done = await each.stop()
    assert.deepEqual(done.failures, [])
    assert.ok(done.asked > 10, `${done.asked}`)
  }
  assert.equal((await ask(`http://127.0.0.1:${oldPort}/`)).status, null, 'the old one is gone')
})

test('an address that another holds refuses the reload, and all stays as it was', { timeout: 60_000 }, async (t) => {
  const web = await Web.build(t)
  const other = createServer()
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
  t.after(() => other.close())
  const bound = other.address()
  assert.ok(typeof bound === 'object' && bound !== null)
  const before = web.listeners()
  const routes = [{ id: 'new', respond: { body: 'new' } }]
  const said = new RegExp(`Another process listens on 127\\.0\\.0\\.1:${bound.port} \\(listeners\\.b\\.listen\\)`)
  await web.reload({ routes, listeners: { b: { listen: `127.0.0.1:${bound.port}` } } }, said)
  assert.deepEqual(web.listeners(), before)
  assert.notEqual((await ask(`${web.gateway.url}/x`)).text, 'new')
  await web.reload({ routes })
  assert.equal((await ask(`${web.gateway.url}/x`)).text, 'new')
})

async function handshake(port: number): Promise<{ socket: TLSSocket; serial: string }> {
  const socket = connect({ port, host: '127.0.0.1', servername: 'a.test', ca: authority.cert })
  await new Promise<void>((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject))
  return { socket, serial: socket.getPeerCertificate().serialNumber }
}

async function exchange(socket: TLSSocket): Promise<string> {
  const answer = new Promise<string>((resolve) => socket.once('data', (data) => resolve(data.toString())))
  socket.write('GET /x HTTP/1.1\r\nhost: a.test\r\n\r\n')
  return (await answer).slice(0, 15)
}

test('certificates that are replaced on disk are served after SIGHUP, and no connection is cut', {
  timeout: 60_000,
}, async (t) => {
  const web = await Web.build(t, { routes: [{ id: 'all', respond: { body: 'x' } }] })
  const folder = dirname(web.gateway.configPath)
  const files = { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') }
  const write = ({ cert, key }: { cert: string; key: string }) => {
    writeFileSync(files.cert, cert)
    writeFileSync(files.key, key)
  }
  write(authority.issue({ names: ['a.test'] }))
  const port = await freePort()
  const listeners = { tls: { listen: `127.0.0.1:${port}`, tls: { certificates: [files] } } }
  await web.reload({ listeners }, 'the data workers were replaced')
  assert.equal(web.listeners()['tls'], `https://127.0.0.1:${port}`)
  const { socket, serial } = await handshake(port)
  t.after(() => socket.destroy())
  assert.equal(await exchange(socket), 'HTTP/1.1 200 OK')

  write(authority.issue({ names: ['a.test'] }))
  await web.reload({ listeners })
  const second = await handshake(port)
  second.socket.destroy()
  assert.notEqual(second.serial, serial)
  assert.equal(await exchange(socket), 'HTTP/1.1 200 OK', 'on the connection that stood')

  writeFileSync(files.key, authority.issue({ names: ['a.test'] }).key)
  await web.reload({ listeners }, /listeners\.tls\.tls\.certificates\[0\]: The key in .* does not belong/)
  const third = await handshake(port)
  third.socket.destroy()
  assert.equal(third.serial, second.serial)
})

test('breakers and limits keep what they know while their names stay, through every reload', {
  timeout: 60_000,
}, async (t) => {
  const limited = {
    id: 'limited',
    match: { path: '/limited' },
    respond: {},
    rate_limits: [{ by: 'route', requests_per_minute: 2 }],
  }
  const failing = {
    id: 'failing',
    match: { path: '/failing' },
    upstream: 'app',
    retry: { attempts: 1 },
    breaker: { consecutive_failures: 3, open: '600s' },
  }
  const web = await Web.build(t, { routes: [limited, failing] })
  web.origin.on('/failing', (_request, response) => void response.writeHead(503).end())
  const statuses = async (path: string, count: number) => {
    const answers: (number | null)[] = []
    for (let turn = 0; turn < count; turn++) answers.push((await ask(web.gateway.url + path)).status)
    return answers
  }
  assert.deepEqual(await statuses('/limited', 3), [200, 200, 429])
  await statuses('/failing', 6)
  const asked = web.origin.seen('/failing').length
  assert.equal(asked, 3, 'then the breaker was open')
  const fresh = { id: 'fresh', match: { path: '/fresh' }, upstream: 'other' }
  const { upstreams } = web.config
  const more = { upstreams: { other: { targets: [web.origin.url] }, ...Object(upstreams) } }
  for (const routes of [
    [fresh, failing, limited],
    [limited, failing],
  ]) {
    await web.reload(routes.length === 3 ? { routes, ...more } : { routes })
    assert.deepEqual(await statuses('/limited', 2), [429, 429])
    await statuses('/failing', 2)
    assert.equal(web.origin.seen('/failing').length, asked)
  }
})

test('what a dead worker had in flight counts no more', { timeout: 60_000 }, async (t) => {
  const threads = new Threads()
  t.after(() => threads.close())
  const web = await Web.build(t, {}, threads)
  const inFlight = async () => findSamples(await web.gateway.metrics(), 'ferro_upstream_in_flight')[0]?.value
  const slow = Array.from({ length: 8 }, () => startAsking(`${web.gateway.url}/slow`))
  await eventually(async () => web.waiting === 8 && (await inFlight()) === 8)
  const known = await threads.living('data')
  for (const victim of known) await threads.terminate(victim)
  await Promise.all(slow.map(async ({ answer }) => await answer))
  await eventually(async () => (await threads.living('data')).length === 2, { deadlineMs: 20_000 })
  assert.equal(await inFlight(), 0)
})
