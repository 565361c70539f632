import assert from 'node:assert/strict'
import { test } from 'node:test'
import { documentFrom } from '../config/index.ts'
import { reloadProblem, restartsWorkers } from './reload.ts'

test('what is fixed for the life of the process cannot be changed by a reload, and is named', async () => {
  const old = await documentFrom({})
  const rows = [
    [{ listen: '127.0.0.1:9999' }, /`listen`/],
    [{ control: { listen: '127.0.0.1:9999' } }, /`control`/],
    [{ data_dir: 'elsewhere' }, /`data_dir`/],
    [{ workers: 3 }, /`workers`/],
    [{ workers: 3, data_dir: 'elsewhere' }, /`data_dir`, `workers`/],
  ] as const
  for (const [changes, named] of rows) assert.match(reloadProblem(old, await documentFrom(changes)) ?? '', named)
})

test('models, keys and the like change in place; what workers read at their start replaces them', async () => {
  const old = await documentFrom({})
  const rows = [
    [{}, false],
    [{ keys: [{ id: 'a', hash: `sha256:${'a'.repeat(64)}` }] }, false],
    [{ timeouts: { idle: '5s' } }, false],
    [{ reservation: { output_tokens: 5 } }, false],
    [{ limits: { body: '1MB', keep_alive: '9s' } }, false],
    [{ journal: { sync: 'always' } }, true],
    [{ log: { level: 'debug' } }, false],
    [{ egress: { dns: 'servers' } }, false],
    [{ overload: { shed: 'off' } }, false],
    [{ trusted_proxies: ['10.0.0.0/8'] }, false],
    [{ process: { stall_timeout: '9s' } }, true],
  ] as const
  for (const [changes, restarts] of rows) {
    const next = await documentFrom(changes)
    assert.equal(reloadProblem(old, next), null, JSON.stringify(changes))
    assert.equal(restartsWorkers(old, next), restarts, JSON.stringify(changes))
  }
})
