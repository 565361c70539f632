import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { SOURCES } from '../../test/harness/program.ts'
import { COMMANDS } from './commands.ts'
import { createFerro } from './testing/ferro.ts'
import { packageVersion } from './version.ts'

test('prints its version', async (t) => {
  const { run } = createFerro(t)
  assert.match(packageVersion(), /^\d+\.\d+\.\d+/)
  assert.deepEqual(await run(['--version']), { code: 0, stdout: `${packageVersion()}\n`, stderr: '' })
})

test('helps with every command, by an option or by asking for help', async (t) => {
  const { run } = createFerro(t)
  const all = await run(['--help'])
  assert.equal(all.code, 0)
  for (const { name, summary } of COMMANDS) {
    assert.ok(all.stdout.includes(name) && all.stdout.includes(summary), name)
    const [asked, option] = await Promise.all([run(['help', name]), run([name, '--help'])])
    assert.deepEqual(asked, option)
    assert.match(asked.stdout, new RegExp(`^Usage: ferro ${name} `))
    assert.equal(asked.code, 0)
  }
})

test('exits with 2 and a suggestion when it does not understand, and prints nothing to standard output', async (t) => {
  const { run } = createFerro(t)
  const rows: readonly [string, RegExp][] = [
    ['rnu', /unknown command 'rnu'\n\(Did you mean run\?\)/],
    ['run --worker 2', /unknown option '--worker'\n\(Did you mean --workers\?\)/],
    ['run --workers many', /argument 'many' is invalid\. Expected `auto` or a whole number from 1 to 64\./],
    ['run --listen 8080', /Expected host:port/],
    ['run extra', /too many arguments/],
    ['keys', /Usage: ferro keys/],
    ['keys lits', /Did you mean list\?/],
    ['keys revoke', /missing required argument 'id'/],
    ['keys create --scope everything', /Allowed choices are models\.read, chat\.completions/],
    ['validate --format xml', /Allowed choices are text, json/],
    ['', /Usage: ferro /],
  ]
  for (const [line, expected] of rows) {
    const { code, stdout, stderr } = await run(line === '' ? [] : line.split(' '))
    assert.deepEqual([code, stdout], [2, ''], line)
    assert.match(stderr, expected)
  }
})

test('exits with 1 when a command that it understands fails, and says why', async (t) => {
  const { run } = createFerro(t, { 'bad.yaml': 'workres: 2\n' })
  const bad = await run(['run', '--config', 'bad.yaml'])
  assert.deepEqual([bad.code, bad.stdout], [1, ''])
  assert.match(bad.stderr, /^error: bad\.yaml .*\nbad\.yaml:1:1: workres: unknown key \(did you mean `workers`\?\)/)
  assert.doesNotMatch(bad.stderr, /defect|\.ts:\d/)
  assert.equal((await run(['hash-key', 'a b'])).code, 1)
})

test('checks the configuration without a start, as `validate` does', async (t) => {
  const { run } = createFerro(t, { 'ferro.yaml': 'workers: 2\n', 'bad.yaml': 'workers: 0\n' })
  const bad = ['--config', 'bad.yaml']
  for (const args of [[], bad, ['--config', 'none.yaml'], ['--format', 'json'], [...bad, '--format', 'json']]) {
    const [alias, validate] = await Promise.all([run(['run', '--validate-only', ...args]), run(['validate', ...args])])
    assert.deepEqual(alias, validate)
  }
  assert.equal((await run(['run', '--validate-only'])).code, 0)
  assert.equal((await run(['run', '--validate-only', '--no-config'])).code, 1)
  assert.equal((await run(['run', '--format', 'json'])).code, 1)
})

test('loads nothing for a start that belongs to another command', async (t) => {
  const ferro = createFerro(t, {
    'ferro.yaml': 'workres: 2\n',
    'trace.mjs': `import { appendFileSync } from 'node:fs'
import { registerHooks } from 'node:module'
registerHooks({ load(url, context, next) { appendFileSync('loaded', url + '\\n'); return next(url, context) } })`,
  })
  const loadedBy = async (...args: string[]) => {
    await ferro.run(args, { nodeArgs: ['--import', './trace.mjs'], program: SOURCES })
    return readFileSync(join(ferro.folder, 'loaded'), 'utf8')
  }
  const start = await loadedBy('run')
  assert.match(start, /src\/cli\/run\.ts\n[\s\S]*src\/app\/index\.ts\n/)
  assert.doesNotMatch(start, /commander|src\/cli\/(?:keys|validate|hash-key|program)\.ts/)
})
