import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { CONFIG_MAX_BYTES, findConfigFile, loadConfig } from './load.ts'

function createFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'ferro-'))
  t.after(() => rmSync(folder, { recursive: true }))
  return folder
}

test('loads a file and names it in errors', async (t) => {
  const path = join(createFolder(t), 'ferro.yaml')
  writeFileSync(path, 'workers: 2\n')
  const good = await loadConfig(path)
  assert.ok(good.ok)
  assert.equal(good.document.workers, 2)
  writeFileSync(path, 'workers: 0\n')
  const bad = await loadConfig(path)
  assert.ok(!bad.ok)
  assert.deepEqual(bad.errors, [{ file: path, line: 1, column: 10, path: 'workers', message: 'must be at least 1' }])
  assert.equal(bad.text, 'workers: 0\n')
})

test('says why a file cannot be used', async (t) => {
  const folder = createFolder(t)
  const put = (name: string, content: string | Buffer): string => {
    writeFileSync(join(folder, name), content)
    return join(folder, name)
  }
  const rows: readonly [string, RegExp][] = [
    [join(folder, 'nothing.yaml'), /^there is no such file$/],
    [folder, /^is a folder, not a file$/],
    [put('latin.yaml', Buffer.from([0x61, 0x3a, 0x20, 0xe9])), /^is not UTF-8 text$/],
    [put('large.yaml', Buffer.alloc(CONFIG_MAX_BYTES + 1, ' ')), /^is larger than 8 MiB$/],
  ]
  for (const [path, message] of rows) {
    const result = await loadConfig(path)
    assert.ok(!result.ok)
    assert.match(result.errors[0]?.message ?? '', message)
  }
})

test('finds a file by its name, YAML first, and a folder of that name is none', (t) => {
  const folder = createFolder(t)
  assert.equal(findConfigFile(folder), null)
  for (const name of ['ferro.toml', 'ferro.json', 'ferro.yml', 'ferro.yaml']) {
    writeFileSync(join(folder, name), '')
    assert.equal(findConfigFile(folder), join(folder, name))
  }
  rmSync(join(folder, 'ferro.yaml'))
  mkdirSync(join(folder, 'ferro.yaml'))
  assert.equal(findConfigFile(folder), join(folder, 'ferro.yml'))
})
