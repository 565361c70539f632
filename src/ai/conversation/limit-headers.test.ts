import assert from 'node:assert/strict'
import { test } from 'node:test'
import { routeOf } from '../../../test/request-path/edge.ts'
import { offlineExchange } from '../../../test/request-path/offline.ts'
import { durationText, tellingLimits } from './limit-headers.ts'

const REQUESTS = { quota: 60, windowS: 60, remaining: 12, resetMs: 48_000 }
const TOKENS = { quota: 1_000, windowS: 60, remaining: 400, resetMs: 36_100.2 }

function told(head: readonly string[], path: string, left: Parameters<typeof tellingLimits>[1]) {
  const x = offlineExchange({ headers: head, path })
  const route = tellingLimits(routeOf({ editAnswer: (_x, _status, headers) => headers.push('x-own', '1') }), left)
  const headers = ['content-type', 'a/b', 'x-ratelimit-remaining-requests', '9', 'anthropic-ratelimit-x', '8']
  route.editAnswer?.(x, 200, headers)
  return Object.fromEntries(
    Array.from({ length: headers.length / 2 }, (_, at) => [headers[at * 2], headers[at * 2 + 1]]),
  )
}

test("limits are told by the standard's headers and the vendor's own, in place of what an upstream says of its account", () => {
  const standard = {
    'content-type': 'a/b',
    'x-own': '1',
    'ratelimit-policy': '"requests";q=60;w=60, "tokens";q=1000;w=60',
    ratelimit: '"requests";r=12;t=48, "tokens";r=400;t=37',
  }
  const both = () => ({ requests: REQUESTS, tokens: TOKENS })
  assert.deepEqual(told([], '/v1/chat/completions', both), {
    ...standard,
    'x-ratelimit-limit-requests': '60',
    'x-ratelimit-remaining-requests': '12',
    'x-ratelimit-reset-requests': '48s',
    'x-ratelimit-limit-tokens': '1000',
    'x-ratelimit-remaining-tokens': '400',
    'x-ratelimit-reset-tokens': '37s',
  })
  const { 'anthropic-ratelimit-requests-reset': reset, ...anthropic } = told([], '/v1/messages', () => ({
    requests: REQUESTS,
    tokens: null,
  }))
  assert.deepEqual(anthropic, {
    'content-type': 'a/b',
    'x-own': '1',
    'ratelimit-policy': '"requests";q=60;w=60',
    ratelimit: '"requests";r=12;t=48',
    'anthropic-ratelimit-requests-limit': '60',
    'anthropic-ratelimit-requests-remaining': '12',
  })
  const inMs = Date.parse(reset ?? '') - Date.now()
  assert.ok(inMs > 45_000 && inMs < 50_000, reset)
  assert.deepEqual(told(['x-goog-api-key', 'k'], '/v1beta/models/m:generateContent', both), standard)
})

test('who has no limits hears what the upstream said', () => {
  const headers = told([], '/v1/chat/completions', () => null)
  assert.equal(headers['x-ratelimit-remaining-requests'], '9')
  assert.equal(headers['ratelimit'], undefined)
})

test("durations are written as OpenAI's clients read them", () => {
  const rows = [
    [0.2, '1ms'],
    [120, '120ms'],
    [1_000, '1s'],
    [59_999, '1m0s'],
    [360_000, '6m0s'],
    [7_380_000, '2h3m0s'],
  ] as const
  for (const [ms, text] of rows) assert.equal(durationText(ms), text)
})
