import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type SecretHit, scanBytes, scanDirectory } from '../harness/secret-scan.ts'
import { WALL_KEY } from '../harness/wall/wall.ts'
import { House } from './house.ts'

const PROMPT = 'canary-prompt-vanilla-4d21'
const TOOL = 'canary-tool-argument-77aa'
const HEADER = 'canary-header-value-90e3'
const QUERY = 'canary-query-value-31c8'
const STATIC = 'canary-static-header-55b0'
const MODELS = [
  'ok',
  'echo',
  'hang-head',
  'hang-body',
  'reset-before',
  'reset-mid-stream',
  'fin-mid-body',
  'bad-json',
  'bad-sse',
  'html-200',
  'error-event-first',
  'error-event-5',
  'echo-key-401',
  'status-400',
  'status-500',
  'bad-header-cr',
  'length-long',
  'barrier',
  'redirect',
]

const where = (hits: readonly SecretHit[]) =>
  hits.map(({ spelling, source, secret }) => `${secret} (${spelling}) in ${source}`)

test('K2 no secret and no content is in a log, a file, the database or a metric, whatever happened', {
  timeout: 60_000,
}, async () => {
  const house = await House.build({
    models: MODELS,
    timeouts: { first_byte: '500ms', first_byte_stream: '500ms', idle: '500ms' },
    provider: { headers: { 'x-static': STATIC } },
    key: { budgets: [{ tokens: 1_000_000, per: 'month' }], limits: { requests_per_minute: 1_000 } },
    more: { log: { level: 'debug', access: { output: 'stdout', level: 'info', sample: 1 } }, workers: 2 },
  })
  try {
    const secrets = [WALL_KEY, house.key.secret, PROMPT, TOOL, HEADER, QUERY, STATIC]
    const headers = { 'x-extra': HEADER, cookie: `session=${HEADER}`, 'proxy-authorization': `Basic ${HEADER}` }
    const body = {
      tools: [
        { type: 'function', function: { name: 'f', parameters: { type: 'object', properties: { [TOOL]: {} } } } },
      ],
      metadata: { note: PROMPT },
    }
    const calls = MODELS.flatMap((model) =>
      [false, true].map((stream) => house.client.start({ model, stream, content: PROMPT, headers, body })),
    )
    await house.wall.waitForRequests(MODELS.length)
    // A client that leaves is an outcome too.
    for (const call of calls.filter(({ entry }) => entry.model === 'barrier')) call.leave()
    const results = await Promise.all(calls.map((call) => call.result))
    const unknown = await house.client.chat({ model: 'no-such-model', content: PROMPT })
    const wrongKey = await house.client.chat({ secret: HEADER, content: PROMPT })
    const query = await house.client.fetch(`/v1/chat/completions?api_key=${QUERY}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: `{"model":"ok","messages":"${PROMPT}"`,
    })
    const missing = await house.client.fetch(`/v1/models/no-such-model?key=${QUERY}`)
    await missing.text()
    // No client ever sees the provider's key; its own prompt may come back to it.
    const answers = [...results, unknown, wrongKey]
      .map((result) => result.text + JSON.stringify(result.headers))
      .join('\n')
    assert.deepEqual(where(scanBytes(answers + (await query.text()), 'answers', [WALL_KEY, STATIC])), [])
    assert.ok(
      results.some((result) => result.status === 200 && result.text.includes(PROMPT)),
      'the canary was there',
    )
    const metrics = await fetch(`${house.gateway.controlUrl}/metrics`)
    assert.deepEqual(where(scanBytes(await metrics.text(), 'metrics', secrets)), [])
    await house.assertUnharmed()
    await house.gateway.stop()
    const { stdout, stderr, dataDir } = house.gateway
    assert.ok(stdout.text.includes('"msg":"request"'), 'the access log was on')
    const sunk = [
      ...scanBytes(stdout.text, 'stdout', secrets),
      ...scanBytes(stderr.text, 'stderr', secrets),
      ...scanDirectory(dataDir, secrets),
    ]
    assert.deepEqual(where(sunk), [])
  } finally {
    await house.close()
  }
})

test('K2 a crash leaves no secret and no content behind either', { timeout: 60_000 }, async () => {
  const house = await House.build({ models: MODELS, more: { log: { level: 'debug' }, workers: 1 } })
  try {
    const calls = [false, true].map((stream) => house.client.start({ model: 'barrier', stream, content: PROMPT }))
    await house.wall.waitForRequests(2)
    await house.gateway.kill9()
    await Promise.all(calls.map((call) => call.result))
    const secrets = [WALL_KEY, house.key.secret, PROMPT]
    assert.deepEqual(where(scanDirectory(house.gateway.dataDir, secrets)), [])
    await house.gateway.restart()
    assert.deepEqual(where(scanDirectory(house.gateway.dataDir, secrets)), [])
    assert.deepEqual(where(scanBytes(house.gateway.stderr.text, 'stderr', secrets)), [])
  } finally {
    await house.close()
  }
})
