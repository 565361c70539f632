import assert from 'node:assert/strict'
import { test } from 'node:test'
import { violations } from '../harness/checker.ts'
import { baseConfig } from '../harness/config.ts'
import { eventually } from '../harness/eventually.ts'
import { at, type JsonObject, parseJson } from '../harness/json.ts'
import { House, scaled, scaledTime } from './house.ts'

const MODELS = ['ok', 'slow-20', 'barrier-mid']

/** The configuration of the house with these models: the wall, the key and the ports stay. */
function configOf(house: House, models: readonly string[], more: JsonObject = {}): JsonObject {
  return baseConfig({ wallUrl: house.wall.url, keys: [house.key], models, more: { workers: 2, ...more } })
}

async function modelsOf(house: House): Promise<string[]> {
  const list = parseJson(await (await house.client.fetch('/v1/models')).text())
  const data = at(list, 'data')
  return Array.isArray(data) ? data.map((model) => String(at(model, 'id'))) : []
}

/** Writes the file and waits until every worker serves it: new connections go to any of them. */
async function reload(
  house: House,
  config: JsonObject,
  model: string,
  state: 'offered' | 'gone',
  how: 'signal' | 'file',
) {
  house.gateway.writeConfig(config)
  if (how === 'signal') house.gateway.signal('SIGHUP')
  await eventually(
    async () => {
      const lists = await Promise.all(Array.from({ length: 8 }, () => modelsOf(house)))
      return lists.every((list) => list.includes(model) === (state === 'offered'))
    },
    { deadlineMs: 30_000, everyMs: 20, what: `${model} to be ${state}` },
  )
}

test('G2 reloads under load fail no request, cut no stream and answer nothing wrongly', {
  timeout: scaledTime(120_000),
}, async () => {
  const house = await House.build({ models: MODELS, more: { workers: 2 } })
  try {
    await reload(house, configOf(house, [...MODELS, 'ok-3']), 'ok-3', 'offered', 'signal')
    let running = true
    const failures: string[] = []
    let served = 0
    const load = async (model: string, stream: boolean) => {
      while (running) {
        const result = await house.client.chat({ model, stream })
        served++
        const whole = stream ? result.events.at(-1) === '[DONE]' : at(result.json, 'model') === model
        const right = result.text.includes(result.entry.nonce)
        if (result.status !== 200 || !whole || !right)
          failures.push(`${model} ${result.status} ${result.text.slice(0, 200)}`)
      }
    }
    const loads = [
      ...Array.from({ length: 6 }, () => load('ok', false)),
      ...Array.from({ length: 12 }, () => load('slow-20', true)),
    ]
    const long = house.client.start({ model: 'barrier-mid', stream: true })
    await long.head
    for (let round = 0; round < scaled(10); round++) {
      const model = `ok-${10 + round}`
      await reload(house, configOf(house, [...MODELS, model]), model, 'offered', round % 2 === 0 ? 'signal' : 'file')
      assert.equal((await house.client.chat({ model })).status, 200)
      assert.equal((await house.client.chat({ model: 'ok-3' })).status, 404, 'a model that was taken out')
    }
    running = false
    await Promise.all(loads)
    house.wall.release()
    assert.equal((await long.result).events.at(-1), '[DONE]', 'a stream that outlived every plan')
    assert.deepEqual(failures, [])
    assert.ok(served > 50, `${served} requests`)
    await house.assertUnharmed()
    assert.deepEqual(await violations(house.evidence), [])
  } finally {
    await house.close()
  }
})

const BAD: readonly (readonly [name: string, text: (config: JsonObject) => string, complaint: RegExp])[] = [
  ['a syntax error', () => '{ "listen": ', /ferro\.json:\d+:\d+/],
  [
    'an unknown key',
    (config) => JSON.stringify({ ...config, lissten: 'x' }, null, 1),
    /ferro\.json:\d+:\d+: .*lissten/,
  ],
  [
    'a wrong type',
    (config) => JSON.stringify({ ...config, workers: 'many' }, null, 1),
    /ferro\.json:\d+:\d+: .*workers/,
  ],
  [
    'a reference to nothing',
    (config) => JSON.stringify({ ...config, aliases: { fast: 'no-such-model' } }, null, 1),
    /ferro\.json:\d+:\d+: .*fast/,
  ],
  [
    'a secret that is not set',
    (config) => {
      const wall = Object(at(config, 'providers', 'wall'))
      return JSON.stringify(
        { ...config, providers: { wall: { ...wall, api_key: '{env.FERRO_TEST_NOT_SET}' } } },
        null,
        1,
      )
    },
    /ferro\.json:\d+:\d+: .*FERRO_TEST_NOT_SET/s,
  ],
]

test('G1 a bad file leaves the running plan in place and says where it is wrong', { timeout: 60_000 }, async () => {
  const house = await House.build({ models: MODELS, more: { workers: 2 } })
  try {
    const before = (await modelsOf(house)).toSorted()
    for (const [name, text, complaint] of BAD) {
      const from = house.gateway.stderr.text.length
      house.gateway.writeConfig(text(configOf(house, ['ok-3'])))
      house.gateway.signal('SIGHUP')
      await eventually(() => complaint.test(house.gateway.stderr.text.slice(from)), {
        what: `the complaint about ${name}`,
      })
      assert.deepEqual((await modelsOf(house)).toSorted(), before, name)
      assert.equal((await house.client.chat()).status, 200, name)
    }
    await reload(house, configOf(house, [...MODELS, 'ok-3']), 'ok-3', 'offered', 'signal')
    await house.assertUnharmed()
  } finally {
    await house.close()
  }
})

test('G5 a model that is taken away ends no stream of it, and takes no new request', { timeout: 60_000 }, async () => {
  const house = await House.build({ models: MODELS, more: { workers: 2 } })
  try {
    const stream = house.client.start({ model: 'barrier-mid', stream: true })
    assert.equal(await stream.head, true)
    await reload(house, configOf(house, ['ok']), 'barrier-mid', 'gone', 'signal')
    assert.equal((await house.client.chat({ model: 'barrier-mid' })).status, 404)
    house.wall.release()
    assert.equal((await stream.result).events.at(-1), '[DONE]')
    assert.deepEqual(await violations(house.evidence), [])
  } finally {
    await house.close()
  }
})
