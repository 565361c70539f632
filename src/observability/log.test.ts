import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createLog, type Log, type LogLevel } from './log.ts'

function setUp(level: LogLevel = 'info'): {
  log: Log
  lines: string[]
  last: () => Record<string, unknown>
  clock: { ms: number }
} {
  const lines: string[] = []
  const clock = { ms: Date.UTC(2026, 0, 2, 3, 4, 5) }
  const log = createLog({ level, write: (line) => lines.push(line), now: () => clock.ms })
  return { log, lines, clock, last: () => JSON.parse(lines.at(-1) ?? 'null') as Record<string, unknown> }
}

test('writes time, level, message and fields as one JSON line', () => {
  const { log, last } = setUp()
  log.info('listening', { port: 8080, host: '127.0.0.1' })
  assert.deepEqual(last(), {
    time: '2026-01-02T03:04:05.000Z',
    level: 'info',
    msg: 'listening',
    port: 8080,
    host: '127.0.0.1',
  })
})

test('writes nothing below its level', () => {
  const { log, lines } = setUp('warn')
  log.debug('a')
  log.info('b')
  log.warn('c')
  log.error('d')
  assert.equal(lines.length, 2)
})

test('redacts fields that are named like secrets, at any depth and in any case', () => {
  const { log, lines } = setUp()
  const canary = 'canary0123456789'
  log.info('x', {
    Authorization: canary,
    api_key: canary,
    'api-key': canary,
    'X-API-Key': canary,
    key: canary,
    token: canary,
    secret: canary,
    Cookie: canary,
    'set-cookie': canary,
    password: { nested: canary },
    headers: { list: [{ 'proxy-authorization': canary }] },
  })
  assert.doesNotMatch(lines.join(), /canary/)
  log.info('y', { key_id: 'dev', tokens: 12 })
  assert.match(lines.at(-1) ?? '', /"key_id":"dev","tokens":12/)
})

test('redacts secrets in texts by their shape', () => {
  const { log, lines } = setUp()
  log.error('Bearer abcdefgh12345678 was refused', {
    url: 'postgres://user:hunter22@db/x',
    cause: new Error('bad key sk-proj-abcdefghijklmnopqrstuvwx'),
    ours: `fk-${'a1'.repeat(20)}`,
    plain: 'basic authentication is not offered, see http://host/path@x',
  })
  const line = lines[0] ?? ''
  assert.doesNotMatch(line, /abcdefgh1234|hunter22|ghijklmnop|a1a1a1/)
  assert.match(line, /basic authentication is not offered, see http:\/\/host\/path@x/)
  assert.match(line, /postgres:\/\/\[redacted\]@db/)
})

test('renders an error as message and code, with its cause, and a stack at debug only', () => {
  const error = Object.assign(new Error('no route', { cause: new Error('inner') }), { code: 'EHOSTUNREACH' })
  const { log, last } = setUp()
  log.error('failed', { error })
  assert.deepEqual(last()['error'], { message: 'no route', code: 'EHOSTUNREACH', cause: { message: 'inner' } })
  const debug = setUp('debug')
  debug.log.error('failed', { error })
  assert.match(JSON.stringify(debug.last()['error']), /log\.test\.ts/)
})

test('respects what an object says of itself in JSON', () => {
  const { log, last } = setUp()
  class Hidden {
    readonly value = 'canary'
    toJSON(): string {
      return '[secret]'
    }
  }
  log.info('x', { hidden: new Hidden(), list: [new Hidden()] })
  assert.equal(last()['hidden'], '[secret]')
  assert.deepEqual(last()['list'], ['[secret]'])
})

test('every line is one line, bounded, and valid JSON, whatever it is given', () => {
  const { log, lines } = setUp()
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.dictionary(fc.string(), fc.anything()), (message, fields) => {
      lines.length = 0
      log.info(message, fields)
      assert.equal(lines.length, 1)
      const line = lines[0] ?? ''
      assert.doesNotMatch(line, /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e]/)
      assert.equal((JSON.parse(line) as Record<string, unknown>)['level'], 'info')
    }),
    { numRuns: 300 },
  )
})

test('bounds long values, many values, deep values and circles', () => {
  const { log, lines, last } = setUp()
  log.info('x', { long: 'y'.repeat(1_048_576) })
  assert.equal(String(last()['long']).length, 8_192)
  const circle: Record<string, unknown> = {}
  circle['self'] = circle
  log.info('x', { circle, many: Array.from({ length: 100_000 }, (_, i) => `value ${i}`) })
  log.info(
    'z'.repeat(1_048_576),
    Object.fromEntries(Array.from({ length: 1_000 }, (_, i) => [`f${i}`, 'z'.repeat(9_000)])),
  )
  for (const line of lines) assert.ok(line.length < 65_536, String(line.length))
})

test('a field that throws when it is read does not stop the line', () => {
  const { log, last } = setUp()
  log.warn('still here', {
    get broken(): never {
      throw new Error('no')
    },
  })
  assert.equal(last()['msg'], 'still here')
})

test('a field cannot pose as the level or the time', () => {
  const { log, last } = setUp()
  log.info('x', { level: 'error', time: 'never', msg: 'other' })
  assert.equal(last()['level'], 'info')
  assert.equal(last()['msg'], 'x')
})

test('a child adds its fields to every line', () => {
  const { log, last } = setUp()
  log.child({ worker: 1 }).child({ part: 'journal' }).info('x', { a: 1 })
  assert.equal(JSON.stringify(last()).includes('"worker":1,"part":"journal","a":1'), true)
})

test('limits equal warnings and says how many were held back', () => {
  const { log, lines, clock, last } = setUp()
  for (let i = 0; i < 100; i++) log.warn('upstream refused', { attempt: i })
  log.warn('something else')
  assert.equal(lines.length, 11)
  clock.ms += 10_000
  log.info('later')
  assert.equal(lines.length, 13)
  assert.match(lines[11] ?? '', /"msg":"upstream refused","suppressed":90/)
  log.warn('upstream refused')
  assert.equal(last()['msg'], 'upstream refused')
  assert.equal(last()['suppressed'], undefined)
})

test('flush tells what is still held back', () => {
  const { log, lines } = setUp()
  for (let i = 0; i < 15; i++) log.error('same')
  log.flush()
  assert.match(lines.at(-1) ?? '', /"suppressed":5/)
})

test('does not limit information', () => {
  const { log, lines } = setUp()
  for (let i = 0; i < 50; i++) log.info('same')
  assert.equal(lines.length, 50)
})

test('memory of repeated texts is bounded', () => {
  const { log, lines } = setUp()
  for (let i = 0; i < 20_000; i++) log.warn(`text ${i}`)
  assert.equal(lines.length, 20_000)
})
