import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compileWindow } from './time-window.ts'

const at = (text: string) => Date.parse(text)

test('a window is open from its beginning to just before its end, by the clock of its zone, summer and winter', () => {
  const office = compileWindow({ days: ['mon', 'fri'], from: '08:00', to: '18:00', time_zone: 'Europe/Berlin' })
  const rows = [
    ['2026-01-05T06:59:59Z', false],
    ['2026-01-05T07:00:00Z', true],
    ['2026-01-05T16:59:59Z', true],
    ['2026-01-05T17:00:00Z', false],
    ['2026-07-06T06:00:00Z', true],
    ['2026-07-06T05:59:00Z', false],
    ['2026-07-10T15:59:00Z', true],
    ['2026-07-07T10:00:00Z', false],
  ] as const
  for (const [time, isOpen] of rows) assert.equal(office(at(time)), isOpen, time)
})

test('one whose end is not after its beginning goes on into the next day, over the end of the week as well', () => {
  const night = compileWindow({ days: ['sun'], from: '22:00', to: '06:00' })
  for (const [time, isOpen] of [
    ['2026-01-04T21:59:00Z', false],
    ['2026-01-04T22:00:00Z', true],
    ['2026-01-05T05:59:00Z', true],
    ['2026-01-05T06:00:00Z', false],
    ['2026-01-05T22:00:00Z', false],
  ] as const) {
    assert.equal(night(at(time)), isOpen, time)
  }
  const always = compileWindow({ from: '00:00', to: '24:00' })
  const whole = compileWindow({ from: '09:00', to: '09:00' })
  for (let hour = 0; hour < 24 * 8; hour++) {
    const time = at('2026-03-25T00:30:00Z') + hour * 3_600_000
    assert.ok(always(time) && whole(time), new Date(time).toISOString())
  }
})
