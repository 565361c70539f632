import assert from 'node:assert/strict'
import { test } from 'node:test'
import { planOf, routeOf } from '../../test/request-path/edge.ts'
import { offlineExchange, offlineGateway } from '../../test/request-path/offline.ts'
import type { TunnelEnd, TunnelPeer } from './phases.ts'
import { Tunnel } from './tunnel.ts'

/** One side without a socket: notes what is done to it. */
class End implements TunnelEnd {
  peer: TunnelPeer | null = null
  readonly calls: string[] = []
  room = true

  join(peer: TunnelPeer): void {
    this.peer = peer
  }

  write(bytes: Buffer): boolean {
    this.calls.push(`write ${bytes.toString()}`)
    return this.room
  }

  end(): void {
    this.calls.push('end')
  }

  pause(): void {
    this.calls.push('pause')
  }

  resume(): void {
    this.calls.push('resume')
  }

  destroy(): void {
    this.calls.push('destroy')
  }
}

function tunnel(idleMs = 1_000) {
  let settlements = 0
  const gateway = offlineGateway()
  const x = offlineExchange({ method: 'GET', gateway, plan: planOf({}) })
  x.route = routeOf({ settle: [() => settlements++] })
  gateway.begin(x)
  gateway.deadlines.stop()
  const [client, upstream] = [new End(), new End()]
  const made = new Tunnel(x, client, upstream, { idleMs, watch: null })
  return { x, client, upstream, made, settled: () => settlements }
}

test('bytes go to the other side, and those of the upstream are counted', () => {
  const { x, client, upstream } = tunnel()
  client.peer?.onBytes(Buffer.from('up'))
  upstream.peer?.onBytes(Buffer.from('down'))
  assert.deepEqual([client.calls, upstream.calls, x.bytesOut], [['write down'], ['write up'], 4])
})

test('a side that is slow stops the other, which goes on when it drains', () => {
  const { client, upstream } = tunnel()
  client.room = false
  upstream.peer?.onBytes(Buffer.from('a'))
  assert.deepEqual([upstream.calls, client.calls], [['pause'], ['write a']])
  client.peer?.onDrain()
  assert.deepEqual(upstream.calls, ['pause', 'resume'])
})

test('the end of one side is passed on, and that of both ends the request, once', () => {
  const { x, client, upstream, settled } = tunnel()
  client.peer?.onEnd()
  assert.deepEqual([upstream.calls, x.settled], [['end'], false])
  upstream.peer?.onBytes(Buffer.from('last'))
  upstream.peer?.onEnd()
  assert.deepEqual([client.calls, x.settled, x.end, settled()], [['write last', 'end', 'destroy'], true, 'success', 1])
  client.peer?.onClose()
  upstream.peer?.onClose()
  assert.equal(settled(), 1)
})

test('a connection that is gone takes the other with it', () => {
  for (const side of ['client', 'upstream'] as const) {
    const found = tunnel()
    found[side].peer?.onClose()
    assert.equal(found.x.settled, true)
    assert.ok(found.client.calls.includes('destroy') && found.upstream.calls.includes('destroy'))
  }
})

test('silence ends it; bytes either way put that off', () => {
  const { x, client, upstream, made } = tunnel(1_000)
  x.gateway.deadlines.now = performance.now() + 900
  client.peer?.onBytes(Buffer.from('x'))
  assert.ok(made.dueAt > performance.now() + 1_500)
  made.onDue(performance.now())
  assert.deepEqual([x.settled, x.end, x.error?.code], [true, 'timeout', 'upstream_timeout'])
  assert.ok(client.calls.includes('destroy') && upstream.calls.includes('destroy'))
})
