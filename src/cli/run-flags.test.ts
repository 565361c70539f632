import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { runCommand } from './run-command.ts'
import { RUN_FLAGS, type RunOptions, readRunFlags } from './run-flags.ts'

/** What the command's definition makes of the arguments; null when it refuses them. */
async function readByCommand(args: readonly string[]): Promise<RunOptions | null> {
  let read: RunOptions | null = null
  const exitCode = process.exitCode
  const command = runCommand(async (options) => {
    read = options
    return 0
  })
  try {
    await command
      .exitOverride()
      .configureOutput({ writeErr: () => undefined })
      .parseAsync(args, { from: 'user' })
  } catch {
    return null
  } finally {
    process.exitCode = exitCode
  }
  return read
}

test('reads every flag', () => {
  const line = '-c a.yaml --data-dir d --workers 4 --listen [::1]:1 --control localhost:2 --validate-only --format json'
  assert.deepEqual(readRunFlags(line.split(' ')), {
    config: 'a.yaml',
    dataDir: 'd',
    workers: 4,
    listen: { host: '::1', port: 1 },
    control: { host: 'localhost', port: 2 },
    validateOnly: true,
    format: 'json',
  })
  assert.deepEqual(readRunFlags(['--no-config', '--workers=auto']), { config: false, workers: 'auto' })
  assert.deepEqual(readRunFlags([]), {})
})

test('leaves whatever needs an explanation to the command', () => {
  const lines = ['--help', '-h', 'x', '--workers 0', '--workers 65', '--workers 1.5', '--listen 1', '--listen a:65536']
  for (const line of [
    ...lines,
    '--worker 2',
    '--format xml',
    '--config',
    '--no-config --config a',
    '--workers 0 --workers 2',
    '-x',
    '--no-config=1',
  ]) {
    assert.equal(readRunFlags(line.split(' ')), null, line)
  }
})

test('means the same as the command, on every line that it reads', async () => {
  const values = ['4', 'auto', '0', '127.0.0.1:0', '[::1]:80', 'host', 'a.yaml', '--help', '-c', '', 'a=b']
  const flags = [...RUN_FLAGS.map(({ name }) => `--${name}`), '-c', '--', '-ca.yaml', '--config=a', '--workers=2']
  let read = 0
  const line = fc.array(fc.constantFrom(...flags, ...values), { maxLength: 5 })
  const property = fc.asyncProperty(line, async (args) => {
    const quick = readRunFlags(args)
    if (quick === null) return
    read++
    assert.deepEqual({ ...quick }, { ...(await readByCommand(args)) })
  })
  await fc.assert(property, { numRuns: 2_000 })
  assert.ok(read > 100, `only ${read} lines were read`)
})
