import assert from 'node:assert/strict'
import { readFileSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { eventually } from '../harness/eventually.ts'
import { isObject, parseJson } from '../harness/json.ts'
import { House } from './house.ts'

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
