import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Deadline, TimerWheel } from './timer-wheel.ts'

class Probe extends Deadline {
  readonly #act: () => void
  constructor(act: () => void) {
    super()
    this.#act = act
  }
  override onExpire(): void {
    this.#act()
  }
}

/** How far the clock moves between ticks once all deadlines are scheduled. */
const LATE_STEP_MS = 50

function fakeWheel() {
  const clock = { ms: 1234.5 }
  const wheel = new TimerWheel({ nowMs: () => clock.ms })
  return { clock, wheel }
}

test('expires each deadline once, never early and less than a tick late', () => {
  const delays = fc.array(fc.record({ at: fc.nat(400), delayMs: fc.oneof(fc.nat(500), fc.nat(500_000)) }), {
    maxLength: 30,
  })
  fc.assert(
    fc.property(delays, fc.constantFrom(10, 50, 70), (plan, stepMs) => {
      const { clock, wheel } = fakeWheel()
      const start = clock.ms
      const waiting = plan.map(({ at, delayMs }) => ({ at: start + at, dueMs: 0, delayMs, expiredMs: Number.NaN }))
      while (clock.ms < start + 510_000) {
        for (const item of waiting) {
          if (item.dueMs !== 0 || clock.ms < item.at) continue
          item.dueMs = clock.ms + item.delayMs
          const probe = new Probe(() => {
            assert.ok(Number.isNaN(item.expiredMs))
            item.expiredMs = clock.ms
          })
          wheel.schedule(probe, item.delayMs)
        }
        clock.ms += clock.ms < start + 1000 ? stepMs : LATE_STEP_MS
        wheel.advance()
      }
      for (const { dueMs, expiredMs } of waiting) {
        assert.ok(
          expiredMs >= dueMs && expiredMs < dueMs + 50 + Math.max(stepMs, LATE_STEP_MS),
          `due ${dueMs}, expired ${expiredMs}`,
        )
      }
      assert.equal(wheel.size, 0)
      assert.equal(wheel.running, false)
    }),
    { numRuns: 30 },
  )
})

test('expires everything that is due after a pause longer than the ring', () => {
  const { clock, wheel } = fakeWheel()
  const expired: number[] = []
  for (const delayMs of [0, 40, 5000, 204_000, 300_000, 900_000]) {
    wheel.schedule(new Probe(() => expired.push(delayMs)), delayMs)
  }
  clock.ms += 600_000
  wheel.advance()
  assert.deepEqual(
    expired.toSorted((a, b) => a - b),
    [0, 40, 5000, 204_000, 300_000],
  )
  clock.ms += 300_050
  wheel.advance()
  assert.equal(expired.at(-1), 900_000)
})

test('does not expire a deadline that was cancelled, also by another one that expires in the same tick', () => {
  const { clock, wheel } = fakeWheel()
  const expired: string[] = []
  const probes: Probe[] = []
  for (const name of ['a', 'b', 'c']) {
    const probe = new Probe(() => {
      expired.push(name)
      for (const other of probes) wheel.cancel(other)
    })
    probes.push(probe)
    wheel.schedule(probe, 10)
  }
  clock.ms += 100
  wheel.advance()
  assert.deepEqual(expired, ['a'])
  assert.equal(wheel.size, 0)
  wheel.cancel(probes[0] as Probe)
  assert.equal(wheel.size, 0)
})

test('moves a deadline that is scheduled again, and lets one that expires schedule itself', () => {
  const { clock, wheel } = fakeWheel()
  let expired = 0
  const probe: Probe = new Probe(() => {
    expired++
    if (expired < 3) wheel.schedule(probe, 0)
  })
  wheel.schedule(probe, 50)
  wheel.schedule(probe, 1000)
  assert.equal(wheel.size, 1)
  clock.ms += 900
  wheel.advance()
  assert.equal(expired, 0)
  for (let tick = 1; tick <= 5; tick++) {
    clock.ms += 100
    wheel.advance()
  }
  assert.equal(expired, 3)
  assert.equal(probe.scheduled, false)
})

test('expires the others at the next tick when one throws', () => {
  const { clock, wheel } = fakeWheel()
  let expired = 0
  wheel.schedule(
    new Probe(() => {
      throw new Error('fault')
    }),
    10,
  )
  wheel.schedule(new Probe(() => expired++), 10)
  clock.ms += 100
  assert.throws(() => wheel.advance(), /fault/)
  assert.equal(expired, 0)
  assert.ok(wheel.running)
  wheel.advance()
  assert.equal(expired, 1)
  assert.equal(wheel.running, false)
})

test('runs its interval only while deadlines wait', () => {
  const { wheel } = fakeWheel()
  const probe = new Probe(() => assert.fail('dropped'))
  assert.equal(wheel.running, false)
  wheel.schedule(probe, 10)
  assert.equal(wheel.running, true)
  wheel.cancel(probe)
  assert.equal(wheel.running, false)
  wheel.schedule(probe, 10)
  wheel.close()
  assert.deepEqual([wheel.running, wheel.size, probe.scheduled], [false, 0, false])
})

test('expires by itself on the real clock', async () => {
  const wheel = new TimerWheel({ tickMs: 5 })
  const start = performance.now()
  // The wheel's own interval does not keep the process alive.
  const alive = setTimeout(() => assert.fail('never expired'), 10_000)
  await new Promise<void>((resolve) => wheel.schedule(new Probe(resolve), 20))
  clearTimeout(alive)
  assert.ok(performance.now() - start >= 20)
  assert.equal(wheel.running, false)
})
