import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { periodEnd, periodOf, periodStart } from './period.ts'

const HOUR_MS = 3_600_000
const at = (text: string) => Date.parse(text)

/** Start and end of the period around a moment, in UTC, and its length in hours. */
function around(per: 'day' | 'week' | 'month', moment: string, zone: string) {
  const startMs = periodStart(per, at(moment), zone)
  const endMs = periodEnd(per, at(moment), zone) ?? Number.NaN
  const utc = (ms: number) => new Date(ms).toISOString().slice(0, 16)
  return [utc(startMs), utc(endMs), (endMs - startMs) / HOUR_MS]
}

test('B6 a day of a time zone begins at its midnight, and is an hour shorter or longer when clocks change', () => {
  const rows = [
    // 2026: forward on 29 March, back on 25 October.
    ['2026-03-28T23:30Z', 'Europe/Berlin', '2026-03-28T23:00', '2026-03-29T22:00', 23],
    ['2026-10-25T12:00Z', 'Europe/Berlin', '2026-10-24T22:00', '2026-10-25T23:00', 25],
    ['2026-07-01T00:00Z', 'Europe/Berlin', '2026-06-30T22:00', '2026-07-01T22:00', 24],
    // Half an hour of summer time, on a zone of half hours.
    ['2026-10-03T15:00Z', 'Australia/Lord_Howe', '2026-10-03T13:30', '2026-10-04T13:00', 23.5],
    ['2026-04-04T15:00Z', 'Australia/Lord_Howe', '2026-04-04T13:00', '2026-04-05T13:30', 24.5],
    // Clocks go forward at midnight: the day begins at one.
    ['2018-11-04T12:00Z', 'America/Sao_Paulo', '2018-11-04T03:00', '2018-11-05T02:00', 23],
    // And back at midnight: the day before goes on for an hour.
    ['2018-02-18T02:30Z', 'America/Sao_Paulo', '2018-02-17T02:00', '2018-02-18T03:00', 25],
    ['2026-01-01T12:00Z', 'Asia/Kolkata', '2025-12-31T18:30', '2026-01-01T18:30', 24],
    ['2026-01-01T12:00Z', 'Asia/Kathmandu', '2025-12-31T18:15', '2026-01-01T18:15', 24],
    ['2026-01-01T12:00Z', 'Pacific/Kiritimati', '2026-01-01T10:00', '2026-01-02T10:00', 24],
  ] as const
  for (const [moment, zone, start, end, hours] of rows) {
    assert.deepEqual(around('day', moment, zone), [start, end, hours], `${moment} in ${zone}`)
  }
})

test('B6 weeks begin on Monday and months on the first, at midnight of the zone', () => {
  const rows = [
    ['week', '2026-11-22T12:00Z', 'UTC', '2026-11-16T00:00', '2026-11-23T00:00', 168],
    // Monday in Kolkata while it is Sunday in UTC.
    ['week', '2026-11-22T18:30Z', 'Asia/Kolkata', '2026-11-22T18:30', '2026-11-29T18:30', 168],
    ['week', '2026-11-22T18:29:59.999Z', 'Asia/Kolkata', '2026-11-15T18:30', '2026-11-22T18:30', 168],
    // The week of the change of clocks, which is on its last day.
    ['week', '2026-03-29T12:00Z', 'Europe/Berlin', '2026-03-22T23:00', '2026-03-29T22:00', 167],
    ['week', '2026-10-25T22:59Z', 'Europe/Berlin', '2026-10-18T22:00', '2026-10-25T23:00', 169],
    ['month', '2028-02-29T23:59Z', 'UTC', '2028-02-01T00:00', '2028-03-01T00:00', 29 * 24],
    ['month', '2027-02-28T18:14Z', 'Asia/Kathmandu', '2027-01-31T18:15', '2027-02-28T18:15', 28 * 24],
    ['month', '2026-10-31T22:59Z', 'Europe/Berlin', '2026-09-30T22:00', '2026-10-31T23:00', 31 * 24 + 1],
    ['month', '2026-12-31T12:00Z', 'Pacific/Auckland', '2026-12-31T11:00', '2027-01-31T11:00', 31 * 24],
  ] as const
  for (const [per, moment, zone, start, end, hours] of rows) {
    assert.deepEqual(around(per, moment, zone), [start, end, hours], `${per} of ${moment} in ${zone}`)
  }
})

test('B6 no date is there twice, and one that a zone left out is not there at all', () => {
  const numbers = new Set<number>()
  let last = -1
  for (let timeMs = at('2026-10-24T00:00Z'); timeMs < at('2026-10-27T00:00Z'); timeMs += 60_000) {
    const number = periodOf('day', timeMs, 'Europe/Berlin')
    assert.ok(number === last || !numbers.has(number), 'it goes on or is new')
    numbers.add(number)
    last = number
  }
  // Samoa went from 29 December 2011 to the 31st.
  const before = periodOf('day', at('2011-12-30T09:59Z'), 'Pacific/Apia')
  assert.equal(periodOf('day', at('2011-12-30T10:00Z'), 'Pacific/Apia'), before + 2)
  assert.equal(periodEnd('day', at('2011-12-30T09:59Z'), 'Pacific/Apia'), at('2011-12-30T10:00Z'))
})

test('B6 in every zone a period holds the moments from its start to before its end, in whatever order they are asked', () => {
  const zones = Intl.supportedValuesOf('timeZone')
  const moment = fc.integer({ min: Date.UTC(2020, 0), max: Date.UTC(2040, 0) })
  fc.assert(
    fc.property(fc.constantFrom(...zones), fc.constantFrom('day', 'week', 'month'), moment, (zone, per, timeMs) => {
      const start = periodStart(per, timeMs, zone)
      const end = periodEnd(per, timeMs, zone) ?? assert.fail('it ends')
      assert.ok(start <= timeMs && timeMs < end)
      const number = periodOf(per, timeMs, zone)
      assert.deepEqual([periodOf(per, start, zone), periodOf(per, end - 1, zone)], [number, number])
      assert.ok(periodOf(per, end, zone) > number && periodOf(per, start - 1, zone) < number)
      const hours = (end - start) / HOUR_MS
      const [least, most] = { day: [22, 26], week: [166, 170], month: [28 * 24 - 2, 31 * 24 + 2] }[per]
      assert.ok(least !== undefined && most !== undefined && hours >= least && hours <= most, `${hours} hours`)
    }),
    { numRuns: 300 },
  )
})
