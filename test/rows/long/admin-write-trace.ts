/* A row about what the system is asked for by one write of the admin API. */
import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { adminOf } from '../../harness/admin.ts'
import { keyPair } from '../../harness/config.ts'
import { eventually } from '../../harness/eventually.ts'
import { Gateway } from '../../harness/gateway.ts'

const CALLS = 'openat,rename,renameat,renameat2,fsync,fdatasync,unlink,unlinkat'

function hasStrace(): boolean {
  try {
    execFileSync('strace', ['-e', 'trace=none', 'true'], { stdio: 'ignore' })
    return true
  } catch {
    return false // not here, or not allowed
  }
}

async function endOf(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return
  const ended = once(child, 'exit')
  child.kill('SIGINT')
  await ended
}

test('C9 a revocation is written beside its place, synced, put there, its folder synced, and the database’s own row synced before the answer', {
  skip: hasStrace() ? false : 'strace is not here, or may not be used',
  timeout: 60_000,
}, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'ferro-trace-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const { id, hash } = keyPair('dev')
  const gateway = await Gateway.start({
    config: { listen: '127.0.0.1:0', control: { listen: '127.0.0.1:0' }, workers: 1, keys: [{ id, hash }] },
  })
  t.after(() => gateway.close())
  const ask = adminOf(gateway)
  assert.equal((await ask('POST', 'api-keys', { id: 'gone' })).status, 201)
  const file = join(folder, 'trace')
  const trace = spawn('strace', ['-f', '-y', '-e', `trace=${CALLS}`, '-o', file, '-p', `${gateway.pid}`])
  let said = ''
  trace.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  await eventually(() => said.includes('attached') && existsSync(file), { what: 'strace to be attached' })
  assert.equal((await ask('DELETE', 'api-keys/gone')).status, 200)
  await endOf(trace)
  const lines = readFileSync(file, 'utf8').split('\n')
  const after = (from: number, what: RegExp) => {
    const at = lines.findIndex((line, index) => index > from && what.test(line))
    assert.ok(at >= 0, `${String(what)} after line ${from}:\n${lines.join('\n')}`)
    return at
  }
  const opened = after(-1, /openat\(.*pending-revocations\.json\.[^"]*", O_WRONLY/)
  const synced = after(opened, /fsync\(\d+<[^>]*pending-revocations\.json\.[^>]*>\)/)
  const placed = after(synced, /rename(?:at2?)?\(.*pending-revocations\.json\.[^"]*", .*pending-revocations\.json"/)
  const folderSynced = after(placed, new RegExp(`fsync\\(\\d+<${gateway.dataDir}>\\)`))
  after(folderSynced, /f(?:data)?sync\(\d+<[^>]*ferro\.db(?:-wal)?>\)/)
})
