import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { closeSync, constants, mkdtempSync, openSync, readFileSync, readSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { AccessLog, accessLevel } from './access-log.ts'
import { LineSink } from './line-sink.ts'

const folder = mkdtempSync(join(tmpdir(), 'ferro-access-log-'))
after(() => rmSync(folder, { recursive: true }))

let files = 0
const newFile = (): string => join(folder, `access-${++files}.log`)
const linesOf = (file: string): Record<string, unknown>[] =>
  readFileSync(file, 'utf8')
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Record<string, unknown>)

async function until(what: string, condition: () => boolean): Promise<void> {
  const deadline = performance.now() + 10_000
  while (!condition()) {
    assert.ok(performance.now() < deadline, `${what} within 10 s`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

test('writes one JSON line per request with its level', async () => {
  const output = newFile()
  const log = new AccessLog({ output, level: 'info' })
  log.write('"id":"a","status":200', 'info')
  log.write('"id":"b","status":502', 'error')
  await log.close()
  assert.deepEqual(linesOf(output), [
    { level: 'info', msg: 'request', id: 'a', status: 200 },
    { level: 'error', msg: 'request', id: 'b', status: 502 },
  ])
})

test('writes without being asked to flush', async () => {
  const output = newFile()
  const log = new AccessLog({ output, level: 'info' })
  log.write('"id":"a"', 'info')
  // The sink's timer does not keep a program alive; this one does.
  await until('the line is written', () => readFileSync(output, 'utf8') !== '')
  await log.close()
})

test('level and sampling decide before any text is made', () => {
  const draws = [0.1, 0.7, 0.3]
  const log = new AccessLog({ output: newFile(), level: 'info', sample: 0.5, random: () => draws.shift() ?? 1 })
  assert.deepEqual([log.wants('info'), log.wants('info'), log.wants('info')], [true, false, true])
  assert.equal(log.wants('warn'), true)
  const strict = new AccessLog({ output: newFile(), level: 'error' })
  assert.deepEqual([strict.wants('info'), strict.wants('warn'), strict.wants('error')], [false, false, true])
  const off = new AccessLog({ output: 'off', level: 'info' })
  assert.equal(off.wants('error'), false)
})

test('outcome and status give the level', () => {
  assert.equal(accessLevel('success', 200), 'info')
  assert.equal(accessLevel('success', 404), 'warn')
  assert.equal(accessLevel('refused', 401), 'warn')
  assert.equal(accessLevel('refused', 503), 'error')
  assert.equal(accessLevel('cancelled', 499), 'warn')
  assert.equal(accessLevel('upstream_error', 200), 'error')
})

test('goes on in a new file after the old one was moved away', async () => {
  const output = newFile()
  const log = new AccessLog({ output, level: 'info' })
  log.write('"id":"before"', 'info')
  await log.flush()
  renameSync(output, `${output}.1`)
  log.write('"id":"between"', 'info')
  assert.equal(log.reopen(), null)
  log.write('"id":"after"', 'info')
  await log.close()
  const ids = [...linesOf(`${output}.1`), ...linesOf(output)].map((line) => line['id'])
  assert.deepEqual(ids, ['before', 'between', 'after'])
  assert.ok(linesOf(output).some((line) => line['id'] === 'after'))
})

test('a reopen that fails says why and the old file goes on', async () => {
  const directory = mkdtempSync(join(folder, 'gone-'))
  const output = join(directory, 'access.log')
  const log = new AccessLog({ output, level: 'info' })
  renameSync(directory, `${directory}-moved`)
  assert.match(log.reopen()?.message ?? '', /ENOENT/)
  log.write('"id":"a"', 'info')
  await log.close()
  assert.equal(linesOf(join(`${directory}-moved`, 'access.log')).length, 1)
})

test('an output that cannot be opened is an error at once', () => {
  assert.throws(() => new AccessLog({ output: join(folder, 'no', 'such', 'folder'), level: 'info' }), /ENOENT/)
})

test('a full disk drops lines, counts them and does not throw', { skip: process.platform !== 'linux' }, async () => {
  const log = new AccessLog({ output: '/dev/full', level: 'info' })
  for (let i = 0; i < 5; i++) log.write('"id":"a"', 'info')
  await log.flush()
  assert.equal(log.dropped, 5)
  await log.close()
})

/** A pipe by name, opened without blocking at both ends, so that a write to a full one gives EAGAIN. */
function fullPipe(): { path: string; read: () => string; close: () => void } {
  const path = newFile()
  execFileSync('mkfifo', [path])
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  const buffer = Buffer.alloc(65_536)
  return {
    path,
    read: () => {
      try {
        return buffer.toString('utf8', 0, readSync(reader, buffer))
      } catch {
        return '' // nothing there yet
      }
    },
    close: () => closeSync(reader),
  }
}

test('a pipe that nobody reads costs bounded memory, then lines, and the loss is told', async () => {
  const pipe = fullPipe()
  const sink = new LineSink({
    output: pipe.path,
    flushMs: 1,
    maxCharacters: 100_000,
    droppedLine: (count) => JSON.stringify({ dropped: count }),
  })
  const line = (n: number): string => JSON.stringify({ n, pad: 'x'.repeat(200) })
  let pushed = 0
  // The pipe takes 64 KiB and the sink 100,000 characters; the rest finds no room.
  while (pushed < 5_000) {
    for (let i = 0; i < 100; i++) sink.push(line(pushed++))
    await new Promise((resolve) => setImmediate(resolve))
  }
  assert.ok(sink.dropped > 0)

  let text = ''
  const drained = sink.flush()
  let done = false
  void drained.then(() => {
    done = true
  })
  await until('everything is written', () => {
    text += pipe.read()
    return done
  })
  text += pipe.read()
  await sink.close()
  const lines = text
    .split('\n')
    .slice(0, -1)
    .map((each) => JSON.parse(each) as { n?: number; dropped?: number })
  const numbers = lines.flatMap((each) => (each.n === undefined ? [] : [each.n]))
  const dropped = lines.reduce((sum, each) => sum + (each.dropped ?? 0), 0)
  assert.equal(numbers.length + dropped, pushed)
  assert.deepEqual(
    numbers,
    numbers.toSorted((a, b) => a - b),
  )
  pipe.close()
})

test('close gives up on a pipe that nobody reads', async () => {
  const pipe = fullPipe()
  const sink = new LineSink({ output: pipe.path, flushMs: 1, droppedLine: () => '{}' })
  for (let i = 0; i < 2_000; i++) sink.push('x'.repeat(100))
  const start = performance.now()
  await sink.close(100)
  assert.ok(performance.now() - start < 5_000)
  pipe.close()
})

test('a reader that left costs lines and nothing else', async () => {
  const pipe = fullPipe()
  const sink = new LineSink({ output: pipe.path, droppedLine: () => '{}' })
  pipe.close()
  sink.push('a')
  await sink.flush()
  assert.equal(sink.dropped, 1)
  await sink.close()
})

test('lines of several threads to one pipe stay whole', async () => {
  const source = `
    import { Worker, isMainThread, workerData } from 'node:worker_threads'
    import { fileURLToPath } from 'node:url'
    const { AccessLog } = await import(${JSON.stringify(new URL('./access-log.ts', import.meta.url).href)})
    if (isMainThread) {
      const self = new URL('data:text/javascript,' + encodeURIComponent(process.env.SOURCE))
      for (const thread of [1, 2, 3]) new Worker(self, { workerData: thread })
    } else {
      const log = new AccessLog({ output: 'stdout', level: 'info' })
      for (let n = 0; n < 1000; n++) log.write(JSON.stringify({ thread: workerData, n, pad: 'x'.repeat(n % 900) }).slice(1, -1), 'info')
      await log.close(10000)
    }`
  const child = spawn(process.execPath, ['--input-type=module', '-e', source], {
    env: { ...process.env, SOURCE: source },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let text = ''
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk
  })
  await new Promise((resolve) => child.on('close', resolve))
  const seen = new Map<unknown, number>()
  for (const line of text.split('\n').slice(0, -1)) {
    const { thread } = JSON.parse(line) as { thread: number }
    seen.set(thread, (seen.get(thread) ?? 0) + 1)
  }
  assert.deepEqual(
    [...seen].sort(),
    [1, 2, 3].map((thread) => [thread, 1_000]),
  )
})
