import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ProbeOutcome } from './expectation.ts'
import {
  type HealthCheck,
  HealthMonitor,
  type HealthMonitorOptions,
  leaseLengthMs,
  type MonitorClock,
} from './health.ts'
import type { SharedCells } from './shared-cells.ts'
import { SharedLease } from './shared-lease.ts'
import { cellsFor, seat, statesOf, targetsOf } from './testing/pool.ts'

const CHECK: HealthCheck = {
  intervalMs: 10_000,
  timeoutMs: 2_000,
  healthyThreshold: 2,
  unhealthyThreshold: 2,
  expected: { statuses: [{ from: 200, to: 299 }], body: null },
}
const OK: ProbeOutcome = { kind: 'answer', status: 200, body: Buffer.alloc(0) }
const BAD: ProbeOutcome = { kind: 'answer', status: 503, body: Buffer.alloc(0) }

/** Time that moves when it is told to; what waits for promises gets its turn in between. */
class ManualClock implements MonitorClock {
  #now = 1_000_000
  #waiting: { dueAt: number; callback: () => void }[] = []

  now(): number {
    return this.#now
  }

  after(ms: number, callback: () => void): () => void {
    const entry = { dueAt: this.#now + ms, callback }
    this.#waiting.push(entry)
    return () => (this.#waiting = this.#waiting.filter((other) => other !== entry))
  }

  async advance(ms: number): Promise<void> {
    const end = this.#now + ms
    for (;;) {
      const next = this.#waiting.filter(({ dueAt }) => dueAt <= end).toSorted((a, b) => a.dueAt - b.dueAt)[0]
      if (next === undefined) break
      this.#waiting = this.#waiting.filter((other) => other !== next)
      this.#now = next.dueAt
      next.callback()
      await settled()
    }
    this.#now = end
  }

  get pending(): number {
    return this.#waiting.length
  }
}

/** All microtasks have run. */
async function settled(): Promise<void> {
  await new Promise<void>((resolve) => setImmediate(resolve))
}

function monitor(
  probe: HealthMonitorOptions['probe'],
  options: Partial<HealthMonitorOptions> & { number?: number; cells?: SharedCells } = {},
) {
  const clock = options.clock ?? new ManualClock()
  const cells = options.cells ?? cellsFor()
  const own = seat(options.number ?? 0)
  const targets = options.targets ?? targetsOf(1)
  const states = statesOf(cells, targets.length, own)
  const changes: string[] = []
  const made = new HealthMonitor({
    targets,
    states,
    check: CHECK,
    probe,
    lease: new SharedLease(cells, 4_000, { seat: own, lengthMs: leaseLengthMs(CHECK) }),
    clock,
    random: () => 0.5,
    onChange: (target, verdict, reason) =>
      changes.push(`${target.id} ${verdict}${reason === null ? '' : `: ${reason}`}`),
    ...options,
  })
  return { monitor: made, clock: clock as ManualClock, states, changes, cells } // no test gives another kind of clock
}

test('every target is checked once per interval, and its verdict follows the thresholds', async () => {
  const answers = new Map<string, ProbeOutcome>()
  const asked: string[] = []
  const targets = targetsOf(1, 1)
  const made = monitor(
    async ({ id }) => {
      asked.push(id)
      return answers.get(id) ?? OK
    },
    { targets },
  )
  made.monitor.start()
  await made.clock.advance(1_000)
  assert.deepEqual(
    asked.toSorted(),
    targets.map(({ id }) => id),
  )
  await made.clock.advance(30_000)
  assert.equal(asked.length, 8)
  assert.deepEqual(made.changes, [])
  answers.set(targets[1]?.id ?? '', BAD)
  await made.clock.advance(10_000)
  assert.equal(made.states[1]?.unhealthy, false)
  await made.clock.advance(10_000)
  assert.equal(made.states[1]?.unhealthy, true)
  assert.equal(made.states[0]?.unhealthy, false)
  answers.clear()
  await made.clock.advance(20_000)
  assert.equal(made.states[1]?.unhealthy, false)
  assert.deepEqual(made.changes, [`${targets[1]?.id} unhealthy: status 503`, `${targets[1]?.id} healthy`])
  made.monitor.close()
})

test('first checks are spread at random over a second, later ones within a tenth of the interval', async () => {
  const numbers = [0.1, 0.9, 0, 0.999]
  const times: number[] = []
  const clock = new ManualClock()
  const begin = clock.now()
  const made = monitor(
    async () => {
      times.push(clock.now() - begin)
      return OK
    },
    { clock, targets: targetsOf(1, 1), random: () => numbers.shift() ?? 0.5 },
  )
  made.monitor.start()
  await clock.advance(15_000)
  assert.deepEqual(times.map(Math.round), [100, 900, 9_100, 11_898])
  made.monitor.close()
})

test('a probe that does not end is a failed check at its deadline and is told to stop; its late answer has no effect', async () => {
  const late = Promise.withResolvers<ProbeOutcome>()
  const signals: AbortSignal[] = []
  const made = monitor(async (_, signal) => {
    signals.push(signal)
    return await late.promise
  })
  made.monitor.start()
  await made.clock.advance(500)
  await made.clock.advance(1_999)
  assert.equal(signals[0]?.aborted, false)
  await made.clock.advance(1)
  assert.equal(signals[0]?.aborted, true)
  assert.equal(made.states[0]?.unhealthy, true)
  assert.match(made.changes[0] ?? '', /no answer within 2000 ms$/)
  late.resolve(OK)
  await settled()
  assert.equal(made.states[0]?.unhealthy, true)
  made.monitor.close()
})

test('a probe that rejects is a failed check with its reason', async () => {
  const made = monitor(async () => {
    throw new Error('connection refused')
  })
  made.monitor.start()
  await made.clock.advance(600)
  assert.match(made.changes[0] ?? '', /unhealthy: connection refused$/)
  made.monitor.close()
})

test('a slow target is not asked without a pause', async () => {
  let asked = 0
  const check = { ...CHECK, timeoutMs: 60_000 }
  const clock = new ManualClock()
  const made = monitor(
    async () => {
      asked++
      await new Promise<void>((resolve) => void clock.after(9_000, resolve))
      return OK
    },
    { check, clock },
  )
  made.monitor.start()
  await clock.advance(500 + 14_000 * 3)
  assert.equal(asked, 4)
  made.monitor.close()
})

test('of the monitors of two threads one probes, both see the state, and the other goes on when it dies', async () => {
  const clock = new ManualClock()
  const cells = cellsFor()
  const asked: string[] = []
  let firstIsDead = false
  const probeOf = (name: string) => async () => {
    asked.push(name)
    return name === 'first' ? BAD : OK
  }
  // A dead thread's timers are gone.
  const dyingClock: MonitorClock = {
    now: () => clock.now(),
    after: (ms, callback) => clock.after(ms, () => firstIsDead || callback()),
  }
  const first = monitor(probeOf('first'), { clock: dyingClock, cells, random: () => 0.4 })
  const second = monitor(probeOf('second'), { clock, cells, number: 1 })
  first.monitor.start()
  second.monitor.start()
  await clock.advance(25_000)
  assert.deepEqual(new Set(asked), new Set(['first']))
  assert.equal(second.states[0]?.unhealthy, true)
  firstIsDead = true
  asked.length = 0
  await clock.advance(leaseLengthMs(CHECK) + 2 * 11_000)
  assert.ok(asked.length >= 2 && asked.every((name) => name === 'second'), asked.join(' '))
  assert.equal(first.states[0]?.unhealthy, false)
  second.monitor.close()
})

test('a thread that wakes up after its lease ended does not overwrite what the next one found', async () => {
  const clock = new ManualClock()
  const cells = cellsFor()
  let stalls = false
  const late = Promise.withResolvers<ProbeOutcome>()
  const stallingClock: MonitorClock = {
    now: () => clock.now(),
    after: (ms, callback) => clock.after(ms, () => stalls || callback()),
  }
  const check = { ...CHECK, unhealthyThreshold: 1 }
  const first = monitor(async () => await late.promise, { clock: stallingClock, cells, check })
  const second = monitor(async () => OK, { clock, cells, number: 1 })
  first.monitor.start()
  second.monitor.start()
  await clock.advance(600)
  stalls = true
  await clock.advance(leaseLengthMs(CHECK) + 11_000)
  late.resolve({ kind: 'failure', reason: 'too late' })
  for (let n = 0; n < 3; n++) await settled()
  assert.deepEqual(first.changes, [])
  await clock.advance(20_000)
  assert.equal(second.states[0]?.unhealthy, false)
  first.monitor.close()
  second.monitor.close()
})

test('a monitor that closes hands on at once, stops its probes and leaves no timer', async () => {
  const clock = new ManualClock()
  const cells = cellsFor()
  let aborted = false
  const first = monitor(
    async (_, signal) => {
      signal.addEventListener('abort', () => (aborted = true))
      return await new Promise<never>(() => clock)
    },
    { clock, cells, random: () => 0 },
  )
  let asked = 0
  const second = monitor(
    async () => {
      asked++
      return OK
    },
    { clock, cells, number: 1 },
  )
  first.monitor.start()
  await clock.advance(10)
  first.monitor.close()
  await settled()
  assert.ok(aborted)
  assert.equal(clock.pending, 0)
  assert.equal(first.states[0]?.unhealthy, false)
  second.monitor.start()
  await clock.advance(600)
  assert.equal(asked, 1)
  second.monitor.close()
  assert.equal(clock.pending, 0)
})
