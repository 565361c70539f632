import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { CONFIG_FACTS } from '../../src/ai/index.ts'
import { parseConfig, renderErrors } from '../../src/config/index.ts'
import { GATEWAY_METRICS } from '../../src/observability/metrics/gateway-metrics.ts'
import { at, isObject, parseJson } from '../harness/json.ts'
import { DocumentedGateway } from './documented-gateway.ts'
import { type Block, codesIn, ROOT, readPage, readPages, tableRows } from './pages.ts'

/** Its commands start a gateway of their own: http-gateway.test.ts runs them. */
const OWN_GATEWAY = 'docs/http-gateway.md'
const blocks = readPages().flatMap((page) => page.blocks)
/** Examples for the shell need what people have: bash and curl. */
const isMissing = spawnSync('bash', ['-c', 'command -v curl']).status !== 0
const SKIP_SHELL = isMissing && process.env['CI'] !== 'true' ? 'needs bash and curl' : false
const LANGUAGES = new Set(['sh', 'yaml', 'ts', 'json', 'text', ''])

let gateway: DocumentedGateway | null = null
before(async () => {
  gateway = await DocumentedGateway.start()
})
after(() => gateway?.close())

function running(): DocumentedGateway {
  if (gateway === null) throw new Error('the gateway is started by a hook')
  return gateway
}

/** The npm commands of a block that has no others. Their scripts must exist; a clean clone is where they are tried. */
function npmScripts({ text }: Block): string[] | null {
  const commands = text.replaceAll(/ +#.*$/gm, '').split(/\n| && /)
  const names = commands.map((command) => /^npm (?:run )?(\w+)(?: -- .*)?$/.exec(command)?.[1] ?? null)
  return names.every((name) => name !== null) ? names : null
}

/** Where `actual` lacks a member that `shown` has, or has it in another type. Values and further members may differ. */
function shapeFaults(shown: unknown, actual: unknown, path = ''): string[] {
  if (Array.isArray(shown)) {
    return Array.isArray(actual) && actual.length > 0 ? shapeFaults(shown[0], actual[0], `${path}[0]`) : [path]
  }
  if (isObject(shown)) {
    if (!isObject(actual)) return [path]
    return Object.keys(shown).flatMap((name) => shapeFaults(shown[name], actual[name], `${path}.${name}`))
  }
  return (shown === null || actual === null ? actual !== undefined : typeof shown === typeof actual) ? [] : [path]
}

for (const block of blocks.filter(({ language }) => language === 'yaml')) {
  test(`${block.place}: the configuration is valid`, async () => {
    const result = await parseConfig(block.text, { path: 'ferro.yaml', ...CONFIG_FACTS })
    assert.ok(result.ok, result.ok ? '' : renderErrors(result.errors, block.text))
    // Every hash of the pages is known as one that must not be used.
    assert.deepEqual(
      result.warnings.filter(({ message }) => !message.startsWith('this hash is printed in the documentation')),
      [],
    )
  })
}

for (const block of blocks.filter(({ language }) => language === 'ts')) {
  test(`${block.place}: the program runs`, async () => {
    const { code, stderr } = await running().typescript(block.text)
    assert.equal(code, 0, stderr)
  })
}

for (const block of blocks.filter(({ language, place }) => language === 'sh' && !place.startsWith(`${OWN_GATEWAY}:`))) {
  const scripts = npmScripts(block)
  if (scripts !== null) {
    test(`${block.place}: the scripts exist`, () => {
      const manifest = parseJson(readFileSync(join(ROOT, 'package.json'), 'utf8'))
      for (const name of scripts) assert.ok(at(manifest, 'scripts', name), `there is no script \`${name}\``)
    })
    continue
  }
  const output = blocks.find((each) => each.before === block && (each.language === 'json' || each.language === 'text'))
  const name = `${block.place}: the commands work${output === undefined ? '' : ', and print what the page shows'}`
  test(name, { skip: SKIP_SHELL }, async () => {
    const { code, stdout, stderr } = await running().shell(block.text)
    assert.equal(code, 0, `${stdout}\n${stderr}`)
    if (output?.language === 'text') assert.equal(stdout.trim(), output.text.trim())
    else if (output?.language === 'json') {
      const shown = parseJson(output.text)
      assert.deepEqual(shapeFaults(shown, parseJson(stdout)), [], stdout)
      assert.equal(at(parseJson(stdout), 'error', 'code'), at(shown, 'error', 'code'))
    } else assert.ok(!/"error":(?!null)/.test(stdout), stdout)
  })
}

test('every block says what it is, and every JSON is JSON', () => {
  for (const { language, text, place } of blocks) {
    assert.ok(LANGUAGES.has(language), `${place}: ${language} is neither run nor checked`)
    if (language === 'json') assert.notEqual(parseJson(text), undefined, place)
  }
})

test('every metric is documented, and no other', async () => {
  // Some appear only when something has gone wrong.
  const exposed = [...(await running().metrics()).matchAll(/^# TYPE (\S+)/gm)].map((match) => match[1] ?? '')
  const existing = new Set<string>([...exposed, ...Object.values(GATEWAY_METRICS).map(({ name }) => name)])
  const documented = tableRows(readPage('docs/records-and-logs.md'), '## Metrics').flatMap(([cell = '']) =>
    codesIn(cell),
  )
  assert.deepEqual([...existing].sort(), documented.sort())
})
