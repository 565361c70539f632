import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as pause, setImmediate as turn } from 'node:timers/promises'
import { requestId, reserveText, settleText, temporaryDirectory } from '../testing/samples.ts'
import { JournalAppender, type JournalOptions } from './appender.ts'
import { SegmentReader } from './reader.ts'

function appender(t: TestContext, options: Partial<JournalOptions> = {}): JournalAppender {
  const directory = options.directory ?? temporaryDirectory(t)
  const journal = new JournalAppender({
    directory,
    startMs: 1000,
    worker: 0,
    sync: 'interval',
    syncIntervalMs: 5,
    onWritten: () => undefined,
    ...options,
  })
  t.after(() => {
    try {
      journal.close()
    } catch {
      // The test left its disk full; closed it is nevertheless, and keeps the process no longer alive.
    }
  })
  return journal
}

/** A waiter for both kinds that writes down what it hears. */
function waiter(name: string, heard: string[]) {
  return {
    journaled: (error: Error | null) => void heard.push(`${name} ${error === null ? 'journaled' : 'refused'}`),
    settlementWritten: () => void heard.push(`${name} settled`),
  }
}

function entries(directory: string): string[][] {
  return fs
    .readdirSync(directory)
    .sort()
    .map((name) => {
      const reader = new SegmentReader(path.join(directory, name), 0)
      const texts: string[] = []
      for (let text = reader.next(); text !== null; text = reader.next()) texts.push(...text.split('\n'))
      assert.equal(reader.remains(), 'nothing')
      reader.close()
      return texts.filter((text) => text.trim() !== '')
    })
}

async function until(condition: () => boolean, what: string): Promise<void> {
  const deadline = Date.now() + 5000
  while (!condition()) {
    assert.ok(Date.now() < deadline, `not within 5 s: ${what}`)
    await pause(2)
  }
}

test('writes one turn of the event loop as one frame and tells settlements before reservations', async (t) => {
  const directory = temporaryDirectory(t)
  const journal = appender(t, { directory })
  const heard: string[] = []
  journal.reserve('["r",1]', waiter('a', heard))
  journal.settle('["s",1]', waiter('b', heard))
  journal.record('["q",1]')
  journal.reserve('["r",2]', waiter('c', heard))
  assert.deepEqual(heard, [], 'nobody hears before the write')
  await turn()
  assert.deepEqual(heard, ['b settled', 'a journaled', 'c journaled'])
  const file = path.join(directory, '0000000001000-0-00000001.seg')
  const reader = new SegmentReader(file, 0)
  t.after(() => reader.close())
  assert.equal(reader.next(), '["r",1]\n["s",1]\n["q",1]\n["r",2]')
  assert.equal(reader.next(), null)
  assert.equal(journal.bytesWritten, fs.statSync(file).size - 8)
  assert.deepEqual([journal.reservesWritten, journal.settlesWritten, journal.segmentSequence], [2, 1, 1])
  journal.close()
})

test('has the ordinal of a settlement while its waiter is called', async (t) => {
  const journal = appender(t)
  const seen: number[] = []
  for (let i = 0; i < 3; i++) {
    journal.settle('["s"]', { settlementWritten: () => void seen.push(journal.settlesWritten) })
  }
  await turn()
  assert.deepEqual(seen, [1, 2, 3])
  journal.close()
})

test('begins the next segment when one is full, and counts ordinals anew', async (t) => {
  const directory = temporaryDirectory(t)
  const journal = appender(t, { directory, maxSegmentBytes: 500 })
  const heard: string[] = []
  for (let i = 0; i < 20; i++) {
    journal.reserve(reserveText(requestId(i)), waiter(`${i}`, heard))
    await turn()
  }
  assert.equal(heard.length, 20)
  assert.ok(journal.segmentSequence > 3, `sequence ${journal.segmentSequence}`)
  assert.ok(journal.reservesWritten < 5)
  journal.close()
  const written = entries(directory)
  assert.equal(written.length, journal.segmentSequence)
  assert.deepEqual(
    written.flat(),
    Array.from({ length: 20 }, (_, i) => reserveText(requestId(i))),
  )
})

test('takes the next free name when the segment of an earlier start is in the way', (t) => {
  const directory = temporaryDirectory(t)
  appender(t, { directory }).close()
  const second = appender(t, { directory })
  assert.equal(second.segmentSequence, 2)
  second.close()
})

test('tells the writer a few times a second, after the last write too, and not at all when idle', async (t) => {
  const told: number[] = []
  const journal = appender(t, { syncIntervalMs: 5, onWritten: () => void told.push(Date.now()) })
  const started = Date.now()
  let lastWrite = started
  while (lastWrite - started < 500) {
    lastWrite = Date.now()
    journal.record('["q",1]')
    await pause(1)
  }
  await until(() => (told.at(-1) ?? 0) >= lastWrite, 'a call after the last write')
  const most = Math.ceil((Date.now() - started) / 200) + 1
  assert.ok(told.length >= 2 && told.length <= most, `${told.length} calls, at most ${most}`)
  const quiet = told.length
  await pause(250)
  assert.equal(told.length, quiet)
  journal.record('["q",2]')
  await until(() => told.length > quiet, 'a call when it goes on')
  journal.close()
})

test('with sync always tells reservations only after fdatasync, and settlements after the write', async (t) => {
  const synced: number[] = []
  const real = fs.fdatasync
  // Delayed, so that the order is seen; everything else is real.
  t.mock.method(fs, 'fdatasync', (fd: number, done: (error: NodeJS.ErrnoException | null) => void) => {
    const finished = (error: NodeJS.ErrnoException | null): void => {
      synced.push(fd)
      done(error)
    }
    setTimeout(() => real(fd, finished), 10)
  })
  const journal = appender(t, { sync: 'always' })
  const heard: string[] = []
  journal.reserve('["r",1]', waiter('a', heard))
  journal.settle('["s",1]', waiter('b', heard))
  await turn()
  assert.deepEqual(heard, ['b settled'])
  journal.reserve('["r",2]', waiter('c', heard))
  journal.reserve('["r",3]', waiter('d', heard))
  await until(() => heard.length === 4, 'all told')
  assert.deepEqual(heard, ['b settled', 'a journaled', 'c journaled', 'd journaled'])
  assert.equal(synced.length, 2, 'two reservations of one turn share a sync')
  journal.close()
})

test('takes reservations back in the journal when they could not be made durable', async (t) => {
  const directory = temporaryDirectory(t)
  const real = fs.fdatasync
  let failing = true
  t.mock.method(fs, 'fdatasync', (fd: number, done: (error: NodeJS.ErrnoException | null) => void) => {
    if (failing) setImmediate(() => done(Object.assign(new Error('EIO: i/o error'), { code: 'EIO' })))
    else real(fd, done)
  })
  const journal = appender(t, { directory, sync: 'always' })
  const heard: string[] = []
  journal.reserve(reserveText(requestId(1)), waiter('a', heard))
  await until(() => heard.length === 1, 'the refusal')
  failing = false
  assert.deepEqual(heard, ['a refused'])
  assert.ok(journal.syncFailures >= 1)
  assert.equal(journal.segmentSequence, 2, 'goes on in a new file')
  journal.close()
  assert.deepEqual(entries(directory), [[reserveText(requestId(1))], [`["v","${requestId(1)}",1]`]])
})

test('refuses reservations and keeps settlements while the disk is full, and recovers by itself', async (t) => {
  const directory = temporaryDirectory(t)
  const real = fs.writeSync
  let room = Number.POSITIVE_INFINITY
  // A disk that takes `room` more bytes; the real one (tmpfs) is in disk-full.test.ts.
  t.mock.method(fs, 'writeSync', (fd: number, data: Buffer, from: number, length: number, at: number) => {
    const taken = Math.min(length, room)
    if (taken === 0) throw Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' })
    room -= taken
    return real(fd, data, from, taken, at)
  })
  const journal = appender(t, { directory })
  const heard: string[] = []
  room = 50
  journal.reserve(reserveText(requestId(1)), waiter('a', heard))
  journal.settle(settleText(requestId(2)), waiter('b', heard))
  journal.record('["q",3]')
  await turn()
  assert.deepEqual(heard, ['a refused'])
  assert.equal(journal.healthy, false)
  assert.equal(journal.waiting, 2)
  assert.equal(fs.statSync(path.join(directory, '0000000001000-0-00000001.seg')).size, 8, 'the part was cut away')
  journal.reserve(reserveText(requestId(4)), waiter('c', heard))
  await turn()
  assert.deepEqual(heard, ['a refused', 'c refused'])
  room = Number.POSITIVE_INFINITY
  await until(() => journal.healthy, 'healthy again')
  assert.deepEqual(heard, ['a refused', 'c refused', 'b settled'])
  journal.reserve(reserveText(requestId(5)), waiter('d', heard))
  await turn()
  assert.equal(heard.at(-1), 'd journaled')
  journal.close()
  assert.deepEqual(entries(directory), [[settleText(requestId(2)), '["q",3]', reserveText(requestId(5))]])
})

test('drops the oldest records beyond a bound while the disk is full, and counts them', async (t) => {
  const real = fs.writeSync
  let full = false
  t.mock.method(fs, 'writeSync', (...args: Parameters<typeof fs.writeSync>) => {
    if (full) throw Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' })
    return real(...args)
  })
  const journal = appender(t)
  full = true
  const heard: string[] = []
  journal.settle(settleText(requestId(1)), waiter('kept', heard))
  for (let i = 0; i < 3; i++) {
    journal.record(`["q","${'x'.repeat(300_000)}"]`)
    journal.record(`["q","${'y'.repeat(300_000)}"]`)
    await turn()
  }
  assert.equal(journal.recordsDropped, 3)
  assert.equal(journal.waiting, 4)
  full = false
  journal.flushNow()
  assert.deepEqual(heard, ['kept settled'])
  journal.close()
})

test('goes on in a new segment when somebody removed the file', async (t) => {
  const directory = temporaryDirectory(t)
  const journal = appender(t, { directory })
  fs.rmSync(path.join(directory, '0000000001000-0-00000001.seg'))
  journal.record('["q",1]')
  await until(() => journal.segmentSequence === 2, 'a new segment')
  journal.record('["q",2]')
  journal.close()
  assert.deepEqual(entries(directory), [['["q",2]']])
})

test('calls every waiter although one throws', async (t) => {
  const journal = appender(t)
  const heard: string[] = []
  const surfaced: unknown[] = []
  const listeners = process.listeners('uncaughtException')
  process.removeAllListeners('uncaughtException')
  process.once('uncaughtException', (error) => surfaced.push(error))
  t.after(() => {
    for (const listener of listeners) process.on('uncaughtException', listener)
  })
  journal.settle('["s",1]', {
    settlementWritten() {
      throw new Error('a fault of the waiter')
    },
  })
  journal.settle('["s",2]', waiter('b', heard))
  journal.flushNow()
  await turn()
  assert.deepEqual(heard, ['b settled'])
  assert.equal(surfaced.length, 1)
  journal.close()
})

test('refuses entries beyond the size that a reader takes', (t) => {
  const journal = appender(t)
  assert.throws(() => journal.record('x'.repeat(349_526)), RangeError)
  journal.close()
  assert.throws(() => journal.record('["q",1]'), /closed/)
})

test('splits a turn that is larger than a frame may be', async (t) => {
  const directory = temporaryDirectory(t)
  const journal = appender(t, { directory })
  const large = Array.from({ length: 20 }, (_, i) => `["q","${String.fromCharCode(97 + i).repeat(300_000)}"]`)
  for (const text of large) journal.record(text)
  journal.close()
  assert.deepEqual(entries(directory), [large])
})
