import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { baseConfig, keyPair } from '../harness/config.ts'
import { Gateway } from '../harness/gateway.ts'
import { at, type JsonObject, parseJson } from '../harness/json.ts'
import { Wall } from '../harness/wall/wall.ts'

/** The two upstreams by the names that they have in the configuration, and the built-in demo as a third. */
const key = keyPair('main')
const narrow = keyPair('narrow')
const walls: Wall[] = []
let gateway: Gateway

const target = (provider: string, more: JsonObject = {}): JsonObject => ({ provider, model: 'ok', ...more })
const PRICE = { input: 1, output: 1 }

const MODELS: JsonObject = {
  single: { strategy: 'single', targets: [target('left')] },
  backup: { targets: [target('left', { enabled: false }), target('right')] },
  ranked: { strategy: 'fallback', targets: [target('left', { priority: 2 }), target('right', { priority: 1 })] },
  shared: { strategy: 'weighted', targets: [target('left', { weight: 3 }), target('right', { weight: 1 })] },
  fast: {
    strategy: { type: 'least-latency', explore: 0 },
    targets: [target('left', { model: 'slow-40' }), target('right', { model: 'slow-1' })],
  },
  cheap: {
    strategy: 'lowest-cost',
    targets: [target('left', { prices: { ...PRICE, output: 9 } }), target('right', { prices: PRICE })],
  },
  fair: {
    strategy: { type: 'balanced', latency: 0 },
    targets: [target('left', { prices: { ...PRICE, output: 9 } }), target('right', { prices: PRICE })],
  },
  ruled: {
    strategy: {
      type: 'conditional',
      rules: [
        { when: { header: { 'x-tier': 'gold*' } }, use: 'gold' },
        { when: { parameter: { temperature: { above: 1 } }, stream: false }, use: 'gold' },
        { when: { metadata: { team: { regex: 'red|blue' } } }, use: 'gold' },
        { when: { tag: 'urgent', key: 'ma*' }, use: 'gold' },
      ],
      otherwise: 'iron',
    },
    targets: [target('left', { label: 'gold' }), target('right', { label: 'iron' })],
  },
  badged: {
    strategy: {
      type: 'conditional',
      rules: [
        { when: { key_tag: ['claimed'] }, use: 'right/ok' },
        { when: { key_tag: ['given'] }, use: 'left/ok' },
      ],
      otherwise: 'right/ok',
    },
    targets: [target('left'), target('right')],
  },
  worded: {
    strategy: {
      type: 'content',
      rules: [
        { when: { matches: '\\bpoem\\b' }, use: 'left/ok' },
        { when: { contains: ['Translate'] }, use: 'left/ok' },
      ],
      otherwise: ['right/ok'],
    },
    targets: [target('left'), target('right')],
  },
  tested: {
    strategy: { type: 'ab-test', by: 'session' },
    targets: [target('left', { label: 'old' }), target('right', { label: 'new' })],
  },
  kept: { strategy: { type: 'sticky', by: ['session', 'prefix'] }, targets: [target('left'), target('right')] },
  nested: { strategy: 'fallback', targets: [{ group: 'inner' }, target('left')] },
  inner: { internal: true, targets: [target('right')] },
  able: {
    targets: [
      target('left', { capabilities: { tools: false, context_tokens: 500 } }),
      target('right', { capabilities: { tools: true } }),
    ],
  },
  'wide-*': { strategy: 'fallback', targets: [{ provider: 'left', models: ['wide-a*'] }, { provider: 'right' }] },
}

before(async () => {
  walls.push(await Wall.start(), await Wall.start())
  const [left, right] = walls
  assert.ok(left && right)
  const config = baseConfig({
    wallUrl: left.url,
    keys: [
      { key, tags: ['given'] },
      { key: narrow, models: { deny: ['left/*'] } },
    ],
  })
  const provider = at(config, 'providers', 'wall')
  assert.ok(typeof provider === 'object' && provider !== null)
  const providers = {
    left: { ...provider, base_url: left.url, direct: true },
    right: { ...provider, base_url: right.url, direct: true },
  }
  gateway = await Gateway.start({ config: { ...config, providers, models: MODELS, aliases: { alias: 'ranked' } } })
})

after(async () => {
  await gateway.stop()
  await Promise.all(walls.map((wall) => wall.close()))
})

interface Asked {
  readonly model: string
  readonly content?: string
  readonly headers?: Record<string, string>
  readonly body?: JsonObject
  readonly secret?: string
}

async function ask({ model, content = 'Hello', headers = {}, body = {}, secret = key.secret }: Asked) {
  const seen = walls.map(({ requests }) => requests.length)
  const response = await fetch(`${gateway.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${secret}`, ...headers },
    body: JSON.stringify({ model, messages: [{ role: 'user', content }], ...body }),
  })
  const text = await response.text()
  const [left = 0, right = 0] = walls.map(({ requests }, at) => requests.length - (seen[at] ?? 0))
  const place = left > 0 ? 'left' : right > 0 ? 'right' : 'none'
  return { status: response.status, text, place, variant: response.headers.get('x-ferro-variant') }
}

async function placesOf(asked: Asked, times: number): Promise<Record<string, number>> {
  const counts: Record<string, number> = { left: 0, right: 0 }
  for (let n = 0; n < times; n++) {
    const { place, status, text } = await ask(asked)
    assert.equal(status, 200, text)
    counts[place] = (counts[place] ?? 0) + 1
  }
  return counts
}

test('single, fallback by list and by priority, and an alias lead to the target that comes first', async () => {
  assert.equal((await ask({ model: 'single' })).place, 'left')
  assert.equal((await ask({ model: 'backup' })).place, 'right', 'the first is switched off')
  assert.equal((await ask({ model: 'ranked' })).place, 'right')
  assert.equal((await ask({ model: 'alias' })).place, 'right')
})

test('weighted shares requests by weight', async () => {
  const { left = 0, right = 0 } = await placesOf({ model: 'shared' }, 120)
  assert.ok(left > right && right > 5, `${left} and ${right} of 120, 90 and 30 are expected`)
})

test('least-latency measures each target once, and then asks the faster one', async () => {
  const first = [(await ask({ model: 'fast' })).place, (await ask({ model: 'fast' })).place]
  assert.deepEqual(new Set(first), new Set(['left', 'right']))
  assert.deepEqual(await placesOf({ model: 'fast' }, 5), { left: 0, right: 5 })
})

test('lowest-cost and balanced ask the cheaper target', async () => {
  assert.equal((await ask({ model: 'cheap' })).place, 'right')
  assert.equal((await ask({ model: 'fair' })).place, 'right')
})

test('conditional goes by header, parameter, metadata, tag and key', async () => {
  const ruled = async (more: Partial<Asked>) => (await ask({ model: 'ruled', ...more })).place
  assert.equal(await ruled({}), 'right')
  assert.equal(await ruled({ headers: { 'x-tier': 'golden' } }), 'left')
  assert.equal(await ruled({ body: { temperature: 1.5 } }), 'left')
  assert.equal(await ruled({ body: { temperature: 0.5 } }), 'right')
  assert.equal(await ruled({ body: { metadata: { team: 'blue' } } }), 'left')
  assert.equal(await ruled({ body: { metadata: { team: 'bluer' } } }), 'right')
  assert.equal(await ruled({ headers: { 'x-ferro-tags': 'slow, urgent' } }), 'left')
})

test('conditional goes by the tags that the key was given, whatever the client says of itself', async () => {
  assert.equal((await ask({ model: 'badged', headers: { 'x-ferro-tags': 'claimed' } })).place, 'left')
})

test("content goes by the user's words in every client's dialect", async () => {
  assert.equal((await ask({ model: 'worded', content: 'Write a poem, please' })).place, 'left')
  assert.equal((await ask({ model: 'worded', content: 'Write poems, please' })).place, 'right')
  assert.equal((await ask({ model: 'worded', content: 'please translate this' })).place, 'left')
  const system = [
    { role: 'system', content: 'a poem' },
    { role: 'user', content: 'Hi' },
  ]
  assert.equal((await ask({ model: 'worded', body: { messages: system } })).place, 'right', 'only the user is heard')
  const parts = [{ role: 'user', content: [{ type: 'text', text: 'a poem' }] }]
  assert.equal((await ask({ model: 'worded', body: { messages: parts } })).place, 'left')
  const seen = walls[0]?.requests.length ?? 0
  const response = await fetch(`${gateway.url}/v1/messages`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-api-key': key.secret, 'anthropic-version': '2023-06-01' },
    body: JSON.stringify({ model: 'worded', max_tokens: 9, messages: [{ role: 'user', content: 'a poem' }] }),
  })
  assert.equal(response.status, 200, await response.text())
  assert.equal(walls[0]?.requests.length, seen + 1)
})

test('ab-test keeps a session on its variant, and the answer and the metrics say which it is', async () => {
  const variants = new Map<string, string>()
  for (let n = 0; n < 24; n++) {
    const session = `session-${n % 12}`
    const { place, variant, status } = await ask({ model: 'tested', headers: { 'x-ferro-session': session } })
    assert.equal(status, 200)
    assert.equal(variant, place === 'left' ? 'old' : 'new')
    assert.equal(variants.get(session) ?? variant, variant)
    variants.set(session, variant ?? '')
  }
  assert.deepEqual(new Set(variants.values()), new Set(['old', 'new']))
  const metrics = await (await fetch(`${gateway.controlUrl}/metrics`)).text()
  assert.match(metrics, /ferro_requests_total\{[^}]*variant="new"[^}]*\}/)
})

test('sticky keeps a conversation at its target, by its session or by how it begins', async () => {
  const opening = (n: number) => ({ role: 'user', content: `What about ${n}?` })
  const homes = new Set<string>()
  for (let n = 0; n < 12; n++) {
    const first = await ask({ model: 'kept', body: { messages: [opening(n)] } })
    const more = [opening(n), { role: 'assistant', content: 'Well.' }, { role: 'user', content: 'And then?' }]
    const second = await ask({ model: 'kept', body: { messages: more } })
    assert.equal(second.place, first.place)
    homes.add(first.place)
  }
  assert.deepEqual(homes, new Set(['left', 'right']))
})

test('a group within a group serves, and is not for clients where it is internal', async () => {
  assert.equal((await ask({ model: 'nested' })).place, 'right')
  assert.equal((await ask({ model: 'inner' })).status, 404)
})

test('targets that cannot do what is asked are passed over', async () => {
  const tools = [{ type: 'function', function: { name: 'look', parameters: { type: 'object', properties: {} } } }]
  assert.equal((await ask({ model: 'able' })).place, 'left')
  assert.equal((await ask({ model: 'able', body: { tools } })).place, 'right')
  assert.equal((await ask({ model: 'able', content: 'word '.repeat(2_000) })).place, 'right')
})

test('an entry for many names asks for the name as it came', async () => {
  await ask({ model: 'wide-a1' })
  assert.equal(walls[0]?.requests.at(-1)?.model, 'wide-a1')
  await ask({ model: 'wide-b1' })
  assert.equal(walls[1]?.requests.at(-1)?.model, 'wide-b1')
})

test('a key is served by the targets that it is not denied, and by no other', async () => {
  const narrowed = (model: string) => ask({ model, secret: narrow.secret })
  assert.equal((await narrowed('able')).place, 'right')
  assert.equal((await narrowed('single')).status, 403)
  for (let n = 0; n < 10; n++) assert.equal((await narrowed('shared')).place, 'right')
})

test('lists have a model once, and no internal one', async () => {
  const response = await fetch(`${gateway.url}/v1/models`, { headers: { authorization: `Bearer ${key.secret}` } })
  const data = at(parseJson(await response.text()), 'data')
  assert.ok(Array.isArray(data))
  const ids = data.map((each) => String(at(each, 'id')))
  assert.equal(ids.filter((id) => id === 'shared').length, 1)
  assert.equal(ids.includes('inner') || ids.includes('wide-*'), false)
})
