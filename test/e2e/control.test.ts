import assert from 'node:assert/strict'
import { readFileSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { eventually } from '../harness/eventually.ts'
import { isObject, parseJson } from '../harness/json.ts'
import { exchangeRaw, RawClient } from '../harness/raw-client.ts'
import { House, residentBytes } from './house.ts'

async function askAdmin({ gateway }: House, path: string): Promise<Response> {
  const token = readFileSync(join(gateway.dataDir, 'admin-token'), 'utf8').trim()
  return await fetch(`${gateway.controlUrl}/admin/v1/${path}`, { headers: { authorization: `Bearer ${token}` } })
}

test('the status says which version runs and since when, and what it serves with', async (t) => {
  const house = await House.build()
  t.after(() => house.close())
  const manifest = parseJson(readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8'))
  const answer = await askAdmin(house, 'status')
  const status: unknown = await answer.json()
  assert.ok(isObject(status) && isObject(manifest))
  const { version, uptime_seconds: uptime, pid, workers, plan_version: plan, data, control, config } = status
  const { gateway } = house
  assert.deepEqual(
    { version, pid, workers, plan, data, control, config },
    {
      version: manifest.version,
      pid: gateway.pid,
      workers: 1,
      plan: 1,
      data: gateway.url,
      control: gateway.controlUrl,
      config: gateway.configPath,
    },
  )
  assert.ok(typeof uptime === 'number' && Number.isInteger(uptime) && uptime >= 0 && uptime < 60, String(uptime))
})

test('what fails inside the control listener is in the log, under the id that the client got', async (t) => {
  const house = await House.build()
  t.after(() => house.close())
  const { gateway } = house
  // The thread that reads starts with the first query, and finds nothing to open.
  renameSync(gateway.databasePath, `${gateway.databasePath}.away`)
  const answer = await askAdmin(house, 'request-logs')
  await answer.arrayBuffer()
  assert.equal(answer.status, 500)
  const id = answer.headers.get('x-request-id')
  const find = () => gateway.stderr.text.split('\n').map(parseJson)
  const line = await eventually(
    () => find().find((entry) => isObject(entry) && id !== null && entry.request_id === id) ?? null,
    { what: 'the line of the failed request' },
  )
  assert.ok(isObject(line))
  assert.equal(line.level, 'error')
  assert.match(JSON.stringify(line.error), /unable to open database file/)
})

test('L13 a page that is too large, no number, or asked for in words that are not taken is refused', async (t) => {
  const house = await House.build()
  t.after(() => house.close())
  for (let at = 0; at < 3; at++) await house.client.chat()
  for (const query of [
    'limit=1000000000',
    'limit=0',
    'limit=-1',
    'limit=1e3',
    'limit=10;drop',
    'limit=10&limit=20',
    'offset=-1',
    'sort=;drop%20table%20requests',
    'cursor=garbage',
    `cursor=${'a'.repeat(5_000)}`,
    "cursor=';%20drop%20table%20requests",
    "key_id=';%20drop%20table%20requests",
  ]) {
    const answer = await askAdmin(house, `request-logs?${query}`)
    await answer.arrayBuffer()
    assert.equal(answer.status, 400, query)
  }
  const asked = async (query: string) => {
    const answer = await askAdmin(house, `request-logs?${query}`)
    const body: unknown = await answer.json()
    assert.ok(isObject(body) && Array.isArray(body['data']))
    return body['data'].length
  }
  await eventually(async () => (await asked('limit=1000')) === 3, { what: 'the records' })
  assert.equal(await asked('limit=2'), 2)
})

test('L5 L16 an upload to the control listener is cut off at its limit, and an anonymous one is not read', async (t) => {
  const house = await House.build()
  t.after(() => house.close())
  const { gateway } = house
  const token = readFileSync(join(gateway.dataDir, 'admin-token'), 'utf8').trim()
  const json = 'Content-Type: application/json'
  const admin = `Authorization: Bearer ${token}`
  const before = residentBytes(gateway.pid)
  const mark = 'prompt-of-an-upload '
  for (const [method, path, lines, status] of [
    ['POST', '/admin/v1/api-keys', [admin, json], 413],
    ['POST', '/admin/v1/api-keys', [json], 401],
    ['POST', '/metrics', [], 405],
    ['POST', '/login', [], 404],
    ['POST', '/healthz', [], 405],
  ] as const) {
    const head = `${method} ${path} HTTP/1.1\r\nHost: ${new URL(gateway.controlUrl).host}\r\n${lines.map((line) => `${line}\r\n`).join('')}`
    const whole = await exchangeRaw(gateway.controlUrl, `${head}Content-Length: ${2 ** 30}\r\n\r\n${mark}`)
    assert.equal(whole.responses()[0]?.status, status, path)
    // In chunks, without an end: it is closed long before what is sent has come through.
    const client = await RawClient.connect(gateway.controlUrl)
    await client.send(`${head}Transfer-Encoding: chunked\r\n\r\n`)
    const chunk = Buffer.from(`10000\r\n${mark.repeat(4_000).slice(0, 65_536)}\r\n`)
    let sent = 0
    const flow = async () => {
      while (client.closeKind === 'open' && sent < 64 * 1_048_576) {
        await client.send(chunk).catch(() => undefined) // the end is what is waited for
        sent += chunk.length
      }
    }
    await Promise.race([flow(), eventually(() => client.closeKind !== 'open', { deadlineMs: 30_000 })])
    await eventually(() => client.closeKind !== 'open', { what: `the end of an upload to ${path}` })
    assert.ok(sent < 40 * 1_048_576, `${sent} bytes were taken at ${path}`)
    client.close()
  }
  assert.ok(residentBytes(gateway.pid) - before < 64 * 1_048_576)
  for (const text of [gateway.stdout.text, gateway.stderr.text]) assert.ok(!text.includes(mark.trim()))
  await house.assertUnharmed()
})
