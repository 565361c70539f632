import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { createAuthority } from '../harness/certificate.ts'
import { ChatClient } from '../harness/client.ts'
import { baseConfig, keyPair } from '../harness/config.ts'
import { eventually } from '../harness/eventually.ts'
import { Gateway } from '../harness/gateway.ts'
import { Wall } from '../harness/wall/wall.ts'
import { serverSuite } from '../servers/servers.ts'
import { RedisProcess } from './redis-process.ts'
import { Replica, takings } from './replica.ts'

const SECRET = 'c0rrect/horse%&'
/** What docs/cluster.md says that a user of the server needs. */
const RIGHTS = '~ferro:* &ferro:* +@read +@write +@scripting +@pubsub +@connection +info +time'

serverSuite('redis', 'a counter store behind TLS, with a user of its own', () => {
  const authority = createAuthority()
  let redis: RedisProcess
  let secured: string
  const dir = mkdtempSync(join(tmpdir(), 'ferro-secured-'))
  before(async () => {
    const { key, cert } = authority.issue({ names: ['localhost', '127.0.0.1'] })
    const file = (name: string, text: string) => {
      writeFileSync(join(dir, name), text)
      return join(dir, name)
    }
    redis = await RedisProcess.start([
      ...['--port', '0', '--tls-port', 'PORT', '--tls-auth-clients', 'no'],
      ...['--tls-cert-file', file('cert.pem', cert), '--tls-key-file', file('key.pem', key)],
      ...['--tls-ca-cert-file', file('ca.pem', authority.cert)],
      ...['--user', 'default', 'off'],
      ...['--user', 'ferro', 'on', `>${SECRET}`, ...RIGHTS.split(' ')],
    ])
    secured = `rediss://ferro:${encodeURIComponent(SECRET)}@localhost:${redis.port}`
  })
  after(async () => {
    await redis?.close()
    rmSync(dir, { recursive: true, force: true })
  })

  async function start(name: string, more: Partial<Parameters<typeof Replica.start>[0]> = {}): Promise<Replica> {
    const replica = await Replica.start({ url: secured, name, cluster: 'secured', ca: authority.cert, ...more })
    replica.begin()
    return replica
  }

  async function open(replica: Replica): Promise<Replica> {
    await eventually(() => replica.isOpen || replica.states.at(-1)?.startsWith('unreachable'), { what: 'a session' })
    assert.ok(replica.isOpen, replica.states.join())
    return replica
  }

  test('lends, calls back and tells as any other', async () => {
    const [one, other] = [
      await open(await start('one')),
      await open(await start('other', { url: `valkeys://ferro@127.0.0.1:${redis.port}`, password: SECRET })),
    ]
    try {
      const [mine, yours] = [one.budget('tokens', 100_000), other.budget('tokens', 100_000)]
      for (let turn = 0; turn < 200; turn++) assert.equal(await one.take(takings({ budgets: [mine] }, 10)), null)
      await eventually(async () => (await other.take(takings({ budgets: [yours] }, 98_000))) === null, {
        what: 'what the first one has borrowed',
      })
      const rates = [one.rate('requests', 10, 1_000_000)]
      assert.equal(await one.take(takings({ rates, concurrency: [one.seats('places', 2)] })), null)
      await other.tell('something')
      await eventually(() => one.notices.includes('something'), { what: 'the notice' })
    } finally {
      await Promise.all([one.close(), other.close()])
    }
  })

  test('that is not to be trusted, or does not let one in, is not used, and no password is told', async () => {
    const cases = [
      [await start('stranger', { ca: createAuthority().cert }), /certificate|unable to verify|self.signed/],
      [await start('refused', { password: 'wrong-password' }), /WRONGPASS/],
      [await start('unknown', { url: `rediss://localhost:${redis.port}` }), /NOAUTH|WRONGPASS|[Aa]uthentication/],
    ] as const
    for (const [replica, reason] of cases) {
      try {
        await eventually(() => replica.states.length > 0, { what: 'a reason' })
        const [said = ''] = replica.states
        assert.match(said, reason)
        assert.ok(!said.includes(SECRET) && !said.includes('wrong-password'), said)
        assert.equal(replica.isOpen, false)
      } finally {
        await replica.close()
      }
    }
  })

  test('is used by a gateway with the password and the authority of its configuration', async (t) => {
    const wall = await Wall.start()
    t.after(() => wall.close())
    const limited = keyPair('limited')
    const gateway = await Gateway.start({
      config: baseConfig({
        wallUrl: wall.url,
        keys: [{ key: limited, limits: { requests_per_day: 2 } }],
        more: {
          cluster: {
            counters: `rediss://ferro@localhost:${redis.port}`,
            // biome-ignore lint/suspicious/noTemplateCurlyInString: a reference of the configuration
            password: '${COUNTERS_PASSWORD}',
            ca_file: join(dir, 'ca.pem'),
          },
        },
      }),
      env: { COUNTERS_PASSWORD: SECRET },
    })
    t.after(() => gateway.close())
    const client = new ChatClient(() => gateway.url, limited.secret)
    t.after(() => client.close())
    const statuses = []
    for (let turn = 0; turn < 3; turn++) statuses.push((await client.chat()).status)
    assert.deepEqual(statuses, [200, 200, 429])
    assert.ok(!(gateway.stderr.text + gateway.stdout.text).includes(SECRET))
  })
})
