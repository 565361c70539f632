import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { keyPair } from '../harness/config.ts'
import { Gateway } from '../harness/gateway.ts'
import { Origin } from '../harness/origin.ts'

/** Processor time of a process so far, in milliseconds (`proc(5)`: fields 14 and 15, in hundredths of a second). */
function processorMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  return (Number(fields[11]) + Number(fields[12])) * 10
}

/** Names that a table takes for one another when it hashes whole numbers by their low bits. */
function collidingNames(bytes: number): string[] {
  const names: string[] = []
  for (let at = 0, length = 0; length < bytes; at++) {
    const name = String(2 ** 52 + at * 2 ** 24)
    names.push(name)
    length += name.length + 5
  }
  return names
}

test('L9 a megabyte of names that collide in a hash table costs no more than one of other names', async (t) => {
  const origin = await Origin.start()
  t.after(() => origin.close())
  for (const path of ['/chat/completions', '/v1/messages']) {
    origin.on(path, (request, response) => {
      request.resume().on('end', () => response.writeHead(418, { 'content-type': 'application/json' }).end('{}'))
    })
  }
  const key = keyPair()
  const own = { api_key: 'k', base_url: origin.url, direct: true }
  const gateway = await Gateway.start({
    config: {
      listen: '127.0.0.1:0',
      control: { listen: '127.0.0.1:0' },
      workers: 1,
      providers: { chat: { kind: 'openai-compatible', ...own }, claude: { kind: 'anthropic', ...own } },
      keys: [{ id: key.id, hash: key.hash }],
    },
  })
  t.after(() => gateway.close())
  const colliding = collidingNames(1_048_576)
  const others = colliding.map((_name, at) => `name-${String(at).padStart(11, '0')}`)
  const post = async (model: string, names: readonly string[], place: 'top' | 'metadata' | 'schema') => {
    const map = `{${names.map((name) => `"${name}":1`).join()}}`
    const inside = {
      top: map.slice(1, -1),
      metadata: `"metadata":${map}`,
      schema: `"tools":[{"type":"function","function":{"name":"f","parameters":${map}}}]`,
    }[place]
    const messages = '"messages":[{"role":"user","content":"a"}]'
    const before = processorMs(gateway.pid)
    const began = performance.now()
    const answer = await fetch(`${gateway.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key.secret}`, 'content-type': 'application/json' },
      body: `{"model":"${model}/m",${messages},${inside}}`,
    })
    await answer.arrayBuffer()
    return { tookMs: performance.now() - began, cpuMs: processorMs(gateway.pid) - before }
  }
  const told: string[] = []
  for (const model of ['chat', 'claude']) {
    for (const place of ['top', 'metadata', 'schema'] as const) {
      await post(model, others, place)
      // The best of three: the machine is shared.
      const best = async (names: readonly string[]) => {
        const rounds = [
          await post(model, names, place),
          await post(model, names, place),
          await post(model, names, place),
        ]
        return {
          cpuMs: Math.min(...rounds.map(({ cpuMs }) => cpuMs)),
          tookMs: Math.min(...rounds.map(({ tookMs }) => tookMs)),
        }
      }
      const [usual, hostile] = [await best(others), await best(colliding)]
      told.push(`${model} ${place}: ${usual.cpuMs}, ${hostile.cpuMs} ms`)
      assert.ok(hostile.cpuMs <= 2 * usual.cpuMs + 200, told.join())
    }
  }
  t.diagnostic(told.join('; '))
})
