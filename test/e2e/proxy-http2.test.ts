import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import {
  createSecureServer,
  createServer,
  type Http2Server,
  type Http2ServerRequest,
  type Http2ServerResponse,
} from 'node:http2'
import type { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { TLSSocket } from 'node:tls'
import { createAuthority } from '../harness/certificate.ts'
import { eventually } from '../harness/eventually.ts'
import { Gateway } from '../harness/gateway.ts'
import { isObject, parseJson } from '../harness/json.ts'

/* Pools that follow a name, over TLS and in HTTP/2: the address is dialled, the name is asked for and verified. */

const authority = createAuthority()
const sockets = new Set<Socket>()
const servers: Http2Server[] = []
const folder = mkdtempSync(join(tmpdir(), 'ferro-http2-'))
let gateway: Gateway | null = null

/** Says what it was asked, over what, and with which trailers. */
function mirror(asked: Http2ServerRequest, answer: Http2ServerResponse): void {
  let body = ''
  asked.on('data', (piece: Buffer) => (body += piece.toString()))
  asked.on('end', () => {
    const { socket } = asked.stream?.session ?? asked
    const name = socket instanceof TLSSocket || 'servername' in socket ? socket.servername : null
    const { rawTrailers, httpVersion, headers } = asked
    const host = headers[':authority'] ?? headers.host
    answer.setHeader('content-type', 'application/json')
    answer.end(JSON.stringify({ version: httpVersion, name, host, body, trailers: rawTrailers }))
  })
}

async function listen(server: Http2Server): Promise<number> {
  server.on('request', mirror)
  for (const event of ['connection', 'secureConnection']) {
    server.on(event, (socket: Socket) => {
      sockets.add(socket)
      socket.on('error', () => undefined) // told by `close` as well
      socket.on('close', () => sockets.delete(socket))
    })
  }
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  servers.push(server)
  const bound = server.address()
  assert.ok(typeof bound === 'object' && bound !== null)
  return bound.port
}

before(async () => {
  const ca = join(folder, 'ca.pem')
  writeFileSync(ca, authority.cert)
  const good = authority.issue({ names: ['localhost'] })
  const secure = await listen(createSecureServer({ ...good, allowHTTP1: true }))
  const other = await listen(createSecureServer({ ...authority.issue({ names: ['other.test'] }), allowHTTP1: true }))
  const plain = await listen(createServer())
  const pool = (scheme: string, port: number, http: string) => ({
    targets: [`${scheme}://localhost:${port}`],
    dns_refresh: '100ms',
    http,
    ...(scheme === 'https' ? { tls: { ca } } : {}),
  })
  const upstreams = {
    'secure-2': pool('https', secure, '2'),
    'secure-1': pool('https', secure, '1.1'),
    'plain-2': pool('http', plain, '2'),
    'other-2': pool('https', other, '2'),
    'other-1': pool('https', other, '1.1'),
  }
  gateway = await Gateway.start({
    config: {
      listen: '127.0.0.1:0',
      control: { listen: '127.0.0.1:0' },
      workers: 1,
      log: { access: { output: 'off' } },
      upstreams,
      routes: Object.keys(upstreams).map((id) => ({ id, match: { path: `/${id}` }, upstream: id })),
    },
  })
})
after(async () => {
  await gateway?.close()
  for (const socket of sockets) socket.destroy()
  for (const server of servers) server.close()
  rmSync(folder, { recursive: true, force: true })
})

/** Asks with Node's own client, which sends trailers behind a body. */
async function ask(path: string, trailers: readonly [string, string][] = []) {
  const { url } = gateway ?? assert.fail('the gateway is started by a hook')
  return await new Promise<{ status: number; said: unknown }>((resolve, reject) => {
    const asked = request(url + path, { method: 'POST', headers: { trailer: 'x-a' } }, (answer) => {
      let text = ''
      answer.setEncoding('utf8').on('data', (piece: string) => (text += piece))
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, said: parseJson(text) }))
    })
    asked.on('error', reject)
    asked.write('piece')
    asked.addTrailers([...trailers])
    asked.end()
  })
}

test('every address of a name is dialled, and the name is asked for and verified, in both versions of HTTP', async () => {
  for (const [path, version, name] of [
    ['/secure-2', '2.0', 'localhost'],
    ['/secure-1', '1.1', 'localhost'],
    ['/plain-2', '2.0', null],
  ] as const) {
    // One of the addresses of localhost has no server: the others serve.
    for (let round = 0; round < 6; round++) {
      const { status, said } = await ask(path)
      assert.ok(isObject(said), path)
      assert.deepEqual([status, said['version'], said['body']], [200, version, 'piece'], path)
      assert.match(String(said['host']), /^localhost:\d+$/)
      if (name !== null) assert.equal(said['name'], name)
    }
  }
  const running = gateway ?? assert.fail()
  const listed = async () =>
    (await running.metrics()).filter(({ labels }) => /^https?:\/\/localhost:\d+#/.test(labels['target'] ?? ''))
  assert.ok((await eventually(listed)).length > 0, 'addresses are targets of their own')
})

test('an address whose certificate is another name’s is not spoken to, in both versions of HTTP', async () => {
  for (const path of ['/other-2', '/other-1']) assert.equal((await ask(path)).status, 502, path)
})

test('H13 trailers of a request reach a server of HTTP/2 behind its body, without those that are forbidden', async () => {
  for (const path of ['/secure-2', '/plain-2']) {
    const { said } = await ask(path, [
      ['X-A', 'one'],
      ['Authorization', 'never'],
      ['X-Forwarded-For', 'never'],
    ])
    assert.ok(isObject(said))
    assert.deepEqual([said['body'], said['trailers']], ['piece', ['x-a', 'one']], path)
  }
})
