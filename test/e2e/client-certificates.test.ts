/* Who a client is by its certificate, and certificates that are renewed while the gateway serves. */
import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { connect as connectHttp2 } from 'node:http2'
import { request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { connect } from 'node:tls'
import { type Certified, createAuthority } from '../harness/certificate.ts'
import { eventually } from '../harness/eventually.ts'
import { Gateway } from '../harness/gateway.ts'
import { findSamples } from '../harness/metrics.ts'
import { Origin } from '../harness/origin.ts'
import { freePort } from '../servers/servers.ts'

const authority = createAuthority()
const folder = mkdtempSync(join(tmpdir(), 'ferro-certificates-'))
const place = (name: string) => join(folder, name)
const ada = authority.issue({
  names: ['URI:spiffe://example/people/ada'],
  subject: [
    ['O', 'Example'],
    ['CN', 'ada'],
  ],
})
const robot = authority.issue({ names: ['URI:spiffe://example/robots/7'], subject: [['CN', 'robot, 7']] })
let gateway: Gateway
let origin: Origin
let port = 0

/** Replaces both files, each at one moment. */
function install({ cert, key }: Certified): void {
  for (const [name, text] of [
    ['site.key', key],
    ['site.pem', cert],
  ] as const) {
    writeFileSync(place(`${name}.new`), text)
    renameSync(place(`${name}.new`), place(name))
  }
}

before(async () => {
  writeFileSync(place('ca.pem'), authority.cert)
  install(authority.issue({ names: ['localhost'] }))
  origin = await Origin.start()
  port = await freePort()
  gateway = await Gateway.start({
    config: {
      listen: '127.0.0.1:0',
      control: { listen: '127.0.0.1:0' },
      workers: 1,
      listeners: {
        web: {
          listen: `127.0.0.1:${port}`,
          tls: {
            certificates: [{ cert: place('site.pem'), key: place('site.key') }],
            client_certificate: 'request',
            client_ca: place('ca.pem'),
          },
        },
      },
      upstreams: { app: { targets: [origin.url] } },
      routes: [
        {
          id: 'robots',
          match: { client_certificate: { names: 'URI:spiffe://example/robots/*' } },
          respond: { body: 'robots' },
        },
        {
          id: 'admin',
          match: { path: { prefix: '/admin' } },
          auth: { certificate: { subject: { O: 'Example', CN: ['ada', 'grace'] } } },
          upstream: 'app',
        },
        { id: 'nobody', match: { path: '/nobody', client_certificate: false }, respond: { body: 'nobody' } },
        {
          id: 'rest',
          request_headers: {
            set: {
              'x-client-subject': '{client.certificate.subject}',
              'x-client-names': '{client.certificate.names}',
              'x-client-print': '{client.certificate.fingerprint}',
            },
          },
          upstream: 'app',
        },
      ],
    },
  })
})

after(async () => {
  await gateway.close()
  await origin.close()
  rmSync(folder, { recursive: true })
})

interface Told {
  readonly status: number
  readonly text: string
}

async function ask(
  path: string,
  shown: Certified | null,
  headers: Readonly<Record<string, string>> = {},
): Promise<Told> {
  const options = {
    host: '127.0.0.1',
    port,
    path,
    headers,
    agent: false,
    servername: 'localhost',
    ca: authority.cert,
    ...shown,
  }
  const sent = request(options)
  sent.end()
  const [answer] = await once(sent, 'response')
  const pieces: Buffer[] = []
  for await (const piece of answer) pieces.push(piece)
  return { status: answer.statusCode, text: Buffer.concat(pieces).toString() }
}

/** What a stranger may say of itself. */
const CLAIMS = {
  'x-client-subject': 'O=Example,CN=ada',
  x_client_subject: 'O=Example,CN=ada',
  'x-client-names': 'URI:spiffe://example/robots/7',
  'client-cert': ':MIIB:',
  'x-forwarded-client-cert': 'Subject="O=Example,CN=ada";URI=spiffe://example/robots/7',
  'x-ssl-client-s-dn': 'O=Example,CN=ada',
  'x-client-cert': ada.cert.replaceAll('\n', ' '),
}

test('routes are chosen and guarded by the certificate of the connection, and no header can stand in for it', async () => {
  const rows: readonly (readonly [path: string, shown: Certified | null, status: number, text: RegExp])[] = [
    ['/', robot, 200, /^robots$/],
    ['/admin/x', robot, 403, /may not do that/],
    ['/admin/x', ada, 200, /"url":"\/admin\/x"/],
    ['/admin/x', null, 403, /This needs a client certificate/],
    ['/nobody', null, 200, /^nobody$/],
    ['/nobody', ada, 200, /"url":"\/nobody"/],
    ['/', null, 200, /"url":"\/"/],
  ]
  for (const [path, shown, status, text] of rows) {
    for (const headers of [{}, CLAIMS]) {
      const told = await ask(path, shown, headers)
      assert.equal(told.status, status, path)
      assert.match(told.text, text, path)
    }
  }
  const client = connectHttp2(`https://localhost:${port}`, { ca: authority.cert, ...ada })
  const stream = client.request({ ':path': '/admin/http2', ...CLAIMS })
  const [headers] = await once(stream, 'response')
  assert.equal(headers[':status'], 200)
  client.destroy()
})

test('servers and logs are told who the client is, and an empty text for one that has shown nothing', async () => {
  const headersOf = async (shown: Certified | null) => {
    await ask('/told', shown, CLAIMS)
    const seen = origin.seen('/told').at(-1)
    return ['x-client-subject', 'x-client-names', 'x-client-print', 'x_client_subject'].map((name) =>
      seen?.values(name),
    )
  }
  const { fingerprint256 } = new X509Certificate(ada.cert)
  const print = fingerprint256.replaceAll(':', '').toLowerCase()
  assert.deepEqual(await headersOf(ada), [['O=Example,CN=ada'], ['URI:spiffe://example/people/ada'], [print], []])
  assert.deepEqual(await headersOf(null), [[''], [''], [''], []])
  await ask('/admin/logged', ada)
  await eventually(() => gateway.stdout.text.includes('/admin/logged'))
  const line = gateway.stdout.text.split('\n').find((each) => each.includes('/admin/logged')) ?? ''
  const { client_certificate: subject, key_id: key } = JSON.parse(line)
  assert.deepEqual([subject, key], ['O=Example,CN=ada', 'certificate:O=Example,CN=ada'])
})

async function namesServed(): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1', servername: 'localhost', ca: authority.cert })
  await once(socket, 'secureConnect')
  const { subjectAltName = '' } = socket.getPeerX509Certificate() ?? {}
  socket.destroy()
  return subjectAltName
}

test('certificates that are renewed are served by themselves, a broken one changes nothing, and the metric says how long they last', async () => {
  const daysLeft = async () => {
    const [sample] = findSamples(await gateway.metrics(), 'ferro_certificate_seconds_left', {
      kind: 'listener',
      name: 'web',
    })
    return Math.round((sample?.value ?? Number.NaN) / 86_400)
  }
  assert.equal(await daysLeft(), 1)
  install(authority.issue({ names: ['localhost', 'renewed.test'], notAfter: new Date(Date.now() + 90 * 86_400_000) }))
  await eventually(async () => (await namesServed()).includes('renewed.test'), { deadlineMs: 10_000 })
  assert.equal(await daysLeft(), 90)
  const from = gateway.stderr.text.length
  writeFileSync(place('site.pem'), authority.issue({ names: ['localhost', 'unfit.test'] }).cert)
  await eventually(() => gateway.stderr.text.slice(from).includes('was not reloaded'), { deadlineMs: 10_000 })
  assert.match(gateway.stderr.text.slice(from), /site\.key[^\n]* does not belong to [^\n]*site\.pem/)
  assert.match(await namesServed(), /renewed.test/)
  assert.equal(await daysLeft(), 90)
  install(authority.issue({ names: ['localhost', 'mended.test'] }))
  await eventually(async () => (await namesServed()).includes('mended.test'), { deadlineMs: 10_000 })
})
