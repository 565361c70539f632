import assert from 'node:assert/strict'
import { test } from 'node:test'
import { violations } from '../harness/checker.ts'
import { baseConfig } from '../harness/config.ts'
import { eventually } from '../harness/eventually.ts'
import type { JsonObject } from '../harness/json.ts'
import { readLedger } from '../harness/ledger-snapshot.ts'
import { findSamples } from '../harness/metrics.ts'
import { shareHouse } from './house.ts'

const target = (model: string): JsonObject => ({ provider: 'wall', model })
const tried = (model: string, more: JsonObject = {}): JsonObject => ({
  targets: [target('ok')],
  canary: { target: target(model), share: 0.5, stop: { errors: '10%', over: 50 }, ...more },
})
const MODELS: JsonObject = {
  ok: { targets: [target('ok')] },
  failing: tried('status-500'),
  passing: tried('ok-7'),
  patient: tried('reset-before', { share: 1, restart_after: '700ms' }),
  wrong: tried('status-400', { share: 1 }),
  denied: tried('ok-8', { share: '100%' }),
}
const ROUTING = {
  retry: { attempts_per_target: 1, budget_per_second: 10_000 },
  breaker: { consecutive_failures: 0, failure_share: 0 },
}

const more = (models: JsonObject): JsonObject => ({ models, workers: 2, routing: ROUTING })

const built = shareHouse({ key: { models: { deny: ['wall/ok-8'] } }, more: more(MODELS) })

const seen = (model: string) => built().wall.requests.filter((request) => request.model === model).length

/** Asks so often, a few at a time, each on a connection of its own; the variants that answered. */
async function ask(model: string, count: number): Promise<(string | undefined)[]> {
  const variants: (string | undefined)[] = []
  while (variants.length < count) {
    const batch = Array.from({ length: Math.min(8, count - variants.length) }, () =>
      built().client.chat({ model, headers: { connection: 'close' } }),
    )
    for (const result of await Promise.all(batch)) {
      assert.equal(result.status, 200, result.text)
      const variant = result.headers['x-ferro-variant']
      variants.push(typeof variant === 'string' ? variant : undefined)
    }
  }
  return variants
}

async function stopped(model: string): Promise<number | undefined> {
  return findSamples(await built().gateway.metrics(), 'ferro_canary_stopped', { model })[0]?.value
}

test('a canary gets its share, and says who served', async () => {
  const variants = await ask('passing', 120)
  const canary = variants.filter((variant) => variant === 'canary').length
  assert.ok(canary > 30 && canary < 90, `${canary} of 120`)
  assert.equal(seen('ok-7'), canary)
  assert.equal(variants.filter((variant) => variant === 'stable').length, 120 - canary)
  assert.equal(await stopped('passing'), 0)
})

test('a canary that fails stops over all workers, and no client sees it', async () => {
  const variants = await ask('failing', 150)
  const failed = seen('status-500')
  // Six of fifty are too many; what was on its way then arrived all the same.
  assert.ok(failed >= 6 && failed <= 6 + 8, `${failed} failed`)
  assert.equal(variants.includes('canary'), false)
  assert.equal(variants.at(-1), 'canary-stopped')
  assert.deepEqual(new Set(await ask('failing', 40)), new Set(['canary-stopped']))
  assert.equal(seen('status-500'), failed)
  assert.equal(await stopped('failing'), 1)
  const lines = built()
    .gateway.stderr.text.split('\n')
    .filter((line) => line.includes('canary failed too often'))
  assert.equal(lines.length, 1, lines.join('\n'))
  assert.match(lines[0] ?? '', /"model":"failing".*"target":"wall\/status-500"/)
  const { databasePath } = built().gateway
  await eventually(() => readLedger(databasePath).requests.length >= 310, { what: 'the records' })
})

test('it stays stopped over a reload, and other settings begin anew', async () => {
  const failed = seen('status-500')
  const reload = async (models: JsonObject) => {
    const { gateway, wall, key } = built()
    const keys = [{ key, models: { deny: ['wall/ok-8'] } }]
    gateway.writeConfig(baseConfig({ wallUrl: wall.url, keys, more: more(models) }))
    gateway.signal('SIGHUP')
    const name = Object.keys(models).at(-1) ?? ''
    await eventually(async () => (await (await built().client.fetch('/v1/models')).text()).includes(name))
  }
  await reload({ ...MODELS, once: { targets: [target('ok')] } })
  assert.deepEqual(new Set(await ask('failing', 30)), new Set(['canary-stopped']))
  assert.equal(seen('status-500'), failed)
  await reload({ ...MODELS, failing: tried('status-500', { run: 2 }), twice: { targets: [target('ok')] } })
  // Both workers have it soon.
  await eventually(async () => (await ask('failing', 8)).includes('stable'), { what: 'it to begin anew' })
  await ask('failing', 60)
  assert.ok(seen('status-500') >= failed + 6)
})

test('it begins anew after its time', async () => {
  await ask('patient', 20)
  const failed = seen('reset-before')
  assert.ok(failed >= 6 && failed < 20, `${failed} failed`)
  assert.equal(await stopped('patient'), 1)
  await eventually(async () => (await ask('patient', 1)).includes('stable'), { what: 'it to begin anew' })
  assert.ok(seen('reset-before') > failed)
})

test('what clients do wrong does not stop it, and who is denied it does not go there', async () => {
  for (let n = 0; n < 20; n++) {
    const result = await built().client.chat({ model: 'wrong' })
    assert.deepEqual([result.status, result.headers['x-ferro-variant']], [400, 'canary'])
  }
  assert.equal(await stopped('wrong'), 0)
  assert.deepEqual(new Set(await ask('denied', 8)), new Set(['stable']))
  assert.equal(seen('ok-8'), 0)
  assert.deepEqual(await violations(built().evidence), [])
  await built().assertUnharmed()
})
