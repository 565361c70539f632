import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { monotonicUs } from '../lib/index.ts'
import { giveTokensBack, remainingTokens, takeTokens } from './token-rate.ts'

const MINUTE_MS = 60_000

interface Held {
  readonly atMs: number
  readonly taken: number
  readonly levels: readonly number[]
  used: number
  endedMs: number
}

const step = fc.record({
  does: fc.constantFrom('take', 'take', 'settle', 'wait'),
  tokens: fc.integer({ min: 1, max: 600 }),
  /** Of what was taken, in percent. */
  used: fc.integer({ min: 0, max: 100 }),
  waitMs: fc.constantFrom(0, 10, 500, 5_000, 20_000, 90_000),
  levels: fc.subarray([0, 1], { minLength: 1 }),
  which: fc.nat(),
})

test('B8 tokens in flight and used pass no window but by what requests from before it had held and did not use, at any level', (t) => {
  let nowMs = 1_000
  t.mock.method(performance, 'now', () => nowMs)
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80, size: 'max' }), (schedule) => {
      const limits = [1_000, 2_500]
      const cells = new BigInt64Array(limits.length)
      const rates = limits.map((limit, slot) => ({ level: `team:${slot}`, slot, limit }))
      const all: Held[] = []
      let open: Held[] = []
      nowMs += 10 * MINUTE_MS
      for (const { does, tokens, used, waitMs, levels, which } of schedule) {
        const asked = levels.flatMap((level) => rates[level] ?? [])
        const held = open[which % Math.max(1, open.length)]
        if (does === 'wait') {
          nowMs += waitMs
        } else if (does === 'take') {
          const before = cells.slice()
          const room = asked.map((rate) => remainingTokens(cells, rate, monotonicUs()))
          const refusal = takeTokens(cells, asked, { tokens, nowUs: monotonicUs() })
          // The cost of a request is rounded up to whole microseconds: one token more or less may be shown than taken.
          if (room.every((each) => each > tokens)) assert.equal(refusal, null)
          if (room.some((each) => each < tokens)) assert.notEqual(refusal, null)
          if (refusal !== null) {
            // Those that had taken have given back; a limit that stood still stands at this moment now.
            const floor = BigInt(monotonicUs())
            const raised = before.map((each) => (each > floor ? each : floor))
            assert.ok(cells.every((each, at) => each === before[at] || each === raised[at]))
          } else {
            const taken = { atMs: nowMs, taken: tokens, levels, used: tokens, endedMs: Number.POSITIVE_INFINITY }
            all.push(taken)
            open.push(taken)
          }
        } else if (held !== undefined) {
          open = open.filter((each) => each !== held)
          held.used = Math.floor((held.taken * used) / 100)
          held.endedMs = nowMs
          const own = held.levels.flatMap((level) => rates[level] ?? [])
          giveTokensBack(cells, own, held.taken, held.used)
        }
        for (const { slot, limit } of rates) {
          const own = all.filter(({ levels: of }) => of.includes(slot))
          for (const { atMs: fromMs } of own) {
            const within = own.filter(({ atMs }) => atMs >= fromMs).reduce((sum, each) => sum + each.used, 0)
            const before = own
              .filter(({ atMs, endedMs }) => atMs < fromMs && endedMs >= fromMs)
              .reduce((sum, each) => sum + each.taken - each.used, 0)
            const most = limit + ((nowMs - fromMs) * limit) / MINUTE_MS
            assert.ok(within <= most + before, `${within} since ${fromMs}, where ${most} and ${before} may be`)
          }
        }
      }
      nowMs += 2 * MINUTE_MS
      for (const { taken, levels } of open) {
        giveTokensBack(
          cells,
          levels.flatMap((level) => rates[level] ?? []),
          taken,
          taken,
        )
      }
      for (const rate of rates)
        assert.equal(
          takeTokens(cells, [rate], { tokens: rate.limit, nowUs: monotonicUs() }),
          null,
          'all of it is free again',
        )
    }),
    { numRuns: 300 },
  )
})
