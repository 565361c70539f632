import assert from 'node:assert/strict'
import { test } from 'node:test'
import { offlineExchange } from '../../test/request-path/offline.ts'
import { GatewayError } from '../core/index.ts'
import { giveAdmissionBack } from './admit.ts'
import type { Takings } from './counter-desk.ts'
import type { RateDocument } from './level-document.ts'
import { rateOf } from './rate-limit.ts'
import { SharedCounters } from './shared-counters.ts'

const rate = (per: RateDocument['per'], windowUs: number): RateDocument => ({
  level: 'key:k',
  slot: 0,
  limit: 10,
  per,
  ...rateOf(10, windowUs),
})
const TAKEN: Takings = {
  rates: [rate('second', 1_000_000), rate('minute', 60_000_000), rate('day', 86_400_000_000)],
  concurrency: null,
  tokenRates: null,
  tokens: 0,
  nanos: 0,
  budgets: [],
  periods: [],
  owed: false,
}

test('what was held for so long that it has come back by itself is not given back once more', () => {
  const rows = [
    [0, ['second', 'minute', 'day']],
    [250, ['second', 'minute', 'day']],
    [251, ['minute', 'day']],
    [20_000, ['day']],
    [86_400_000, []],
  ] as const
  for (const [heldMs, expected] of rows) {
    const x = Object.assign(offlineExchange(), { startedAt: 1_000, endedAt: 1_000 + heldMs, admission: TAKEN })
    x.error = new GatewayError('budget_exceeded', 'spent')
    const desk = new SharedCounters(new BigInt64Array(1))
    const given: string[] = []
    desk.giveBack = ({ rates }) => void given.push(...(rates ?? []).map(({ per }) => per))
    giveAdmissionBack(x, desk)
    assert.deepEqual(given, expected, `held for ${heldMs} ms`)
    assert.equal(x.admission, null)
  }
})
