import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import {
  freePort,
  type RunningPostgres,
  type RunningServer,
  serverSuite,
  startNginx,
  startPostgres,
  startRedis,
} from './servers.ts'

async function isGone(server: RunningServer): Promise<void> {
  await server.stop()
  assert.equal(existsSync(server.dir), false)
  assert.throws(() => process.kill(server.pid, 0), { code: 'ESRCH' })
  await server.stop()
}

serverSuite('redis', 'a started Redis', () => {
  test('answers, keeps what it is told, and leaves nothing behind', async () => {
    const server = await startRedis()
    try {
      const socket = connect(server.port, '127.0.0.1')
      socket.setEncoding('utf8')
      const ask = async (command: string) => {
        socket.write(`${command}\r\n`)
        return String((await once(socket, 'data'))[0])
      }
      assert.equal(await ask('PING'), '+PONG\r\n')
      assert.equal(await ask('INCRBY spent 42'), ':42\r\n')
      assert.equal(await ask('GET spent'), '$2\r\n42\r\n')
      socket.destroy()
    } finally {
      await isGone(server)
    }
  })

  test('comes twice at the same time', async () => {
    const servers = await Promise.all([startRedis(), startRedis()])
    assert.notEqual(servers[0].port, servers[1].port)
    await Promise.all(servers.map(isGone))
  })
})

serverSuite('postgres', 'a started PostgreSQL', () => {
  let server: RunningPostgres
  before(async () => {
    server = await startPostgres()
  })
  after(() => isGone(server))

  test('runs statements', async () => {
    await server.psql('create table ledger (id int primary key, nanos bigint)')
    await server.psql('insert into ledger values (1, 9007199254740993), (2, 1)')
    assert.equal(await server.psql('select * from ledger order by id'), '1|9007199254740993\n2|1')
    assert.match(server.url, /^postgres:\/\/postgres@127\.0\.0\.1:\d+\/postgres$/)
  })

  test('reports a wrong statement', async () => {
    await assert.rejects(server.psql('select * from absent'), /relation "absent" does not exist/)
  })
})

serverSuite('nginx', 'a started nginx', () => {
  test('proxies a stream event by event', async () => {
    const upstream = http.createServer((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write('data: one\n\n')
      sendSecond = () => response.end('data: two\n\n')
    })
    let sendSecond = (): unknown => assert.fail('nothing was asked of the upstream')
    upstream.listen(0, '127.0.0.1')
    await once(upstream, 'listening')
    const address = upstream.address()
    assert.ok(address !== null && typeof address === 'object')
    const server = await startNginx(
      ({ port }) => `
        server {
          listen 127.0.0.1:${port};
          location / { proxy_pass http://127.0.0.1:${address.port}; proxy_http_version 1.1; proxy_buffering off; }
        }`,
    )
    try {
      const response = await fetch(`http://127.0.0.1:${server.port}/events`)
      assert.match(response.headers.get('server') ?? '', /nginx/)
      const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
      // The second event is sent only after the first has arrived: a proxy that buffers would wait for ever.
      assert.equal((await reader?.read())?.value, 'data: one\n\n')
      sendSecond()
      assert.equal((await reader?.read())?.value, 'data: two\n\n')
      assert.equal((await reader?.read())?.done, true)
    } finally {
      await isGone(server)
      upstream.close()
      upstream.closeAllConnections()
    }
  })

  test('says why it did not start', async () => {
    await assert.rejects(
      startNginx(() => 'no_such_directive on;'),
      /nginx did not accept connections[\s\S]*no_such_directive/,
    )
  })
})

test('a suite without its server is skipped by name, and fails with CI=true', (t) => {
  const root = mkdtempSync(path.join(tmpdir(), 'ferro-absent-'))
  t.after(() => rmSync(root, { recursive: true }))
  const servers = pathToFileURL(path.join(import.meta.dirname, 'servers.ts')).href
  const hide = pathToFileURL(path.join(root, 'hide.mjs')).href
  // A file system in which no such program is to be found.
  writeFileSync(
    path.join(root, 'hide.mjs'),
    `import fs from 'node:fs'; import { syncBuiltinESMExports } from 'node:module'
     fs.statSync = () => undefined; syncBuiltinESMExports()`,
  )
  writeFileSync(
    path.join(root, 'absent.test.mjs'),
    `import { serverSuite } from ${JSON.stringify(servers)}; import { test } from 'node:test'
     serverSuite('redis', 'limits', () => { test('never runs', () => { throw new Error('it ran') }) })`,
  )
  const run = (env: Readonly<Record<string, string>>) => {
    const { NODE_TEST_CONTEXT: _inTest, CI: _inCi, ...clean } = process.env
    const args = ['--import', hide, '--test-reporter=tap', path.join(root, 'absent.test.mjs')]
    return spawnSync(process.execPath, args, { encoding: 'utf8', env: { ...clean, ...env } })
  }
  const skipped = run({})
  assert.equal(skipped.status, 0, skipped.stdout)
  assert.match(skipped.stdout, /ok 1 - limits \(redis\) # SKIP redis-server is not installed/)
  const failed = run({ CI: 'true' })
  assert.equal(failed.status, 1)
  assert.match(
    failed.stdout,
    /not ok 1 - limits \(redis\)[\s\S]*redis-server is not installed \(Debian: apt-get install/,
  )
})

test('a free port can be listened on', async () => {
  const server = http.createServer().listen(await freePort(), '127.0.0.1')
  await once(server, 'listening')
  server.close()
})
