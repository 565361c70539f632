import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Gateway } from '../harness/gateway.ts'
import { findServer, type RunningServer, serverSuite, startHaproxy, startNginx } from '../servers/servers.ts'
import { differentialCases } from './cases.ts'
import { disagreement, type Reading, Recorder } from './readers.ts'

/*
 * H30: bytes that readers have disagreed on go to this gateway, to nginx and to HAProxy, each in front of an upstream that
 * notes what it is sent. Where two of them stand in one chain, a difference is a smuggled request.
 */

type Name = 'ours' | 'nginx' | 'haproxy'

const cases = differentialCases()
const readings = new Map<Name, readonly Reading[]>()
const servers: RunningServer[] = []
const recorders: Recorder[] = []
let gateway: Gateway | null = null

before(async () => {
  const proxies: [Name, string, Recorder][] = []
  const recorder = async () => {
    const made = await Recorder.start()
    recorders.push(made)
    return made
  }
  const own = await recorder()
  gateway = await Gateway.start({
    config: {
      listen: '127.0.0.1:0',
      control: { listen: '127.0.0.1:0' },
      workers: 1,
      log: { access: { output: 'off' } },
      upstreams: { recorder: { targets: [`http://127.0.0.1:${own.port}`] } },
      routes: [{ id: 'all', match: { path: '/**' }, upstream: 'recorder' }],
    },
  })
  proxies.push(['ours', gateway.url, own])
  if (findServer('nginx') !== null) {
    const behind = await recorder()
    const server = await startNginx(
      ({ port }) => `server {
        listen 127.0.0.1:${port};
        location / { proxy_pass http://127.0.0.1:${behind.port}; proxy_http_version 1.1; proxy_next_upstream off; }
      }`,
    )
    servers.push(server)
    proxies.push(['nginx', `http://127.0.0.1:${server.port}`, behind])
  }
  if (findServer('haproxy') !== null) {
    const behind = await recorder()
    const server = await startHaproxy(
      ({ port }) => `defaults
  mode http
  retries 0
  timeout connect 5s
  timeout client 5s
  timeout server 5s
listen all
  bind 127.0.0.1:${port}
  server recorder 127.0.0.1:${behind.port}`,
    )
    servers.push(server)
    proxies.push(['haproxy', `http://127.0.0.1:${server.port}`, behind])
  }
  await Promise.all(
    proxies.map(async ([name, url, behind]) => {
      const read: Reading[] = []
      for (const { bytes } of cases) read.push(await behind.reading(url, bytes))
      readings.set(name, read)
    }),
  )
})
after(async () => {
  await gateway?.close()
  await Promise.all(servers.map((server) => server.stop()))
  await Promise.all(recorders.map((recorder) => recorder.close()))
})

function readingsOf(name: Name): readonly Reading[] {
  return readings.get(name) ?? assert.fail(`${name} was not asked`)
}

function disagreements(name: 'nginx' | 'haproxy'): string[] {
  const theirs = readingsOf(name)
  return readingsOf('ours').flatMap((ours, at) => {
    const why = disagreement(ours, theirs[at] ?? assert.fail())
    return why === null ? [] : [`${cases[at]?.name}\n    ${why}`]
  })
}

test('H30 plain requests are read, and what is sent on is HTTP', () => {
  assert.deepEqual(readingsOf('ours')[0]?.requests, ['POST hello', 'GET '])
  assert.deepEqual(
    readingsOf('ours').flatMap(({ malformed }) => malformed ?? []),
    [],
  )
})

for (const name of ['nginx', 'haproxy'] as const) {
  serverSuite(name, 'requests with two readings', () => {
    test(`H30 where ${name} reads other requests or bodies than we do, we refuse`, (t) => {
      const theirs = readingsOf(name)
      const isMore = (one: Reading | undefined, other: Reading | undefined) =>
        (one?.requests.length ?? 0) > (other?.requests.length ?? 0)
      const fewer = readingsOf('ours').filter((ours, at) => isMore(theirs[at], ours))
      const more = readingsOf('ours').filter((ours, at) => isMore(ours, theirs[at]))
      t.diagnostic(`${cases.length} cases: we alone refuse ${fewer.length}, ${name} alone ${more.length}`)
      assert.deepEqual(readingsOf(name)[0]?.requests, ['POST hello', 'GET '])
      assert.deepEqual(disagreements(name), [])
    })
  })
}

serverSuite('haproxy', 'what others refuse', () => {
  test('H30 what both refuse is not sent on by us', { skip: findServer('nginx') === null }, () => {
    const found = cases.flatMap(({ name }, at) => {
      const [ours, nginx, haproxy] = (['ours', 'nginx', 'haproxy'] as const).map((each) => readingsOf(each)[at])
      const isRefused = (reading: Reading | undefined) => reading?.requests.length === 0 && reading.malformed === null
      return isRefused(nginx) && isRefused(haproxy) && !isRefused(ours) ? [name] : []
    })
    assert.deepEqual(found, [])
  })
})
