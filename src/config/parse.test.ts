import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import fc from 'fast-check'
import { stringify as stringifyToml } from 'smol-toml'
import { stringify as stringifyYaml } from 'yaml'
import { defaultDocument } from './default-document.ts'
import { FORMATS, type Format } from './formats/format.ts'
import { documentFrom, type ParseResult, parseConfig } from './parse.ts'

const HASH = `sha256:${'a'.repeat(64)}`

async function parseValid(text: string, format: Format = 'yaml'): Promise<ParseResult & { ok: true }> {
  const result = await parseConfig(text, { path: 'f', format })
  assert.ok(result.ok, JSON.stringify(!result.ok && result.errors))
  return result
}

function readExample(format: Format): string {
  return readFileSync(new URL(`../../config/example.${format}`, import.meta.url), 'utf8')
}

test('parses the three example files to the same document, and warns of the key that all who read them have', async () => {
  const [yaml, json, toml] = await Promise.all(FORMATS.map((format) => parseValid(readExample(format), format)))
  assert.deepEqual(json?.document, yaml?.document)
  assert.deepEqual(toml?.document, yaml?.document)
  assert.deepEqual(
    yaml?.warnings.map(({ path }) => path),
    ['keys[0].hash'],
  )
})

test('turns text with units into numbers', async () => {
  const { document } = await parseValid(readExample('yaml'))
  const target = document.models['fast-chat']?.targets[0]
  assert.deepEqual(target?.prices, {
    input: 150_000_000,
    output: 600_000_000,
    cache_read: 75_000_000,
    request: 0,
  })
  assert.deepEqual(document.listen, { host: '127.0.0.1', port: 8080 })
  assert.equal(document.providers['openai']?.timeouts.first_byte_stream, 45_000)
  assert.equal(document.limits.body, 32 * 1024 * 1024)
  assert.equal(document.journal.interval, 20)
  assert.equal(document.keys[0]?.expires_at, Date.UTC(2099, 0, 1))
  assert.deepEqual(document.keys[0]?.budgets, [
    { tokens: 1_000_000, per: 'month' },
    { usd: 25_000_000_000, per: 'month' },
  ])
})

test('fills in every default for a file that says nothing', async () => {
  const { document } = await parseValid('# nothing\n')
  assert.deepEqual(document, defaultDocument())
  assert.deepEqual(document, (await parseValid('{}', 'json')).document)
  assert.deepEqual(document, (await parseValid('', 'toml')).document)
})

test('makes documents of data of the program, and throws on what is none', async () => {
  const document = await documentFrom({ providers: { p: { kind: 'demo', direct: true } } })
  assert.equal(document.providers['p']?.max_connections, 1024)
  assert.deepEqual({ ...document, providers: {} }, defaultDocument())
  await assert.rejects(documentFrom({ workers: 0 }), /not a configuration document: workers: must be at least 1/)
})

test('keeps references as they are written', async () => {
  const text =
    '{"providers": {"p": {"kind": "demo", "api_key": "{env.A}", "base_url": "{$B}", "headers": {"x": "file:/c"}}}}'
  const { document } = await parseValid(text, 'json')
  const { api_key, base_url, headers } = document.providers['p'] ?? {}
  assert.deepEqual([api_key, base_url, headers?.['x']], ['{env.A}', '{$B}', 'file:/c'])
})

test('reports references that cannot be used beside every other error', async () => {
  const text =
    'providers:\n  p: { kind: openai, api_key: "{$GONE}", bas: 1, headers: [a] }\nstorage: { url: "{$GONE}" }\n'
  const found = async (env?: Record<string, string>) => {
    const result = await parseConfig(text, { path: 'f.yaml', ...(env === undefined ? {} : { env }) })
    assert.ok(!result.ok)
    return result.errors.map(({ line, path }) => `${line} ${path}`)
  }
  const others = ['2 providers.p.bas', '2 providers.p.headers']
  assert.deepEqual(await found(), others)
  assert.deepEqual(await found({ GONE: 'sqlite:/x' }), others)
  assert.deepEqual(await found({}), ['2 providers.p.api_key', ...others, '3 storage.url'])
})

test('freezes the document at every level', async () => {
  const { document } = await parseValid(readExample('yaml'))
  const check = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return
    assert.ok(Object.isFrozen(value))
    for (const inner of Object.values(value)) check(inner)
  }
  check(document)
  check(defaultDocument())
})

test('warns of a secret in the file and of a denied model that is not there, and names the place', async () => {
  const text = `providers: { p: { kind: demo, api_key: sk-canary } }
keys: [{ id: a, hash: '${HASH}', models: { deny: [nothing] } }]
`
  const { warnings } = await parseValid(text)
  assert.deepEqual(
    warnings.map(({ line, column, path }) => [line, column, path]),
    [
      [1, 40, 'providers.p.api_key'],
      [2, 115, 'keys[0].models.deny[0]'],
    ],
  )
  assert.doesNotMatch(JSON.stringify(warnings), /canary/)
})

test('takes the format from the extension and refuses one that it does not know', async () => {
  for (const path of ['a.yaml', 'a.yml', 'a.YAML']) assert.ok((await parseConfig('workers: 1', { path })).ok, path)
  assert.ok((await parseConfig('{} // x', { path: 'a.jsonc' })).ok)
  assert.ok((await parseConfig('workers = 1', { path: 'a.toml' })).ok)
  for (const path of ['a.ini', 'a', 'a.constructor', 'yaml']) {
    const result = await parseConfig('', { path })
    assert.ok(!result.ok)
    assert.match(result.errors[0]?.message ?? '', /the format is not known/)
  }
})

test('reads a text with a byte order mark and with CRLF, and still counts columns from one', async () => {
  const result = await parseConfig('\uFEFFworkres: 1\r\nlisten: 8080\r\n', { path: 'a.yaml' })
  assert.ok(!result.ok)
  assert.deepEqual(
    result.errors.map(({ line, column }) => [line, column]),
    [
      [1, 1],
      [2, 9],
    ],
  )
})

test('finds what is wrong inside an anchor that is used elsewhere', async () => {
  const text = 'timeouts: &t\n  connect: 5\nproviders:\n  p: { kind: demo, timeouts: *t }\n'
  const result = await parseConfig(text, { path: 'a.yaml' })
  assert.ok(!result.ok)
  assert.deepEqual(
    result.errors.map(({ line, column, path }) => [line, column, path]),
    [
      [2, 12, 'providers.p.timeouts.connect'],
      [2, 12, 'timeouts.connect'],
    ],
  )
})

test('refuses aliases that expand without end, quickly', async () => {
  const levels = Array.from({ length: 12 }, (_, level) =>
    level === 0
      ? 'a0: &a0 [x]'
      : `a${level}: &a${level} [${Array(10)
          .fill(`*a${level - 1}`)
          .join(', ')}]`,
  )
  const many = `aliases: { a: &a b }\nkeys: [${Array(100_000).fill('*a').join(', ')}]`
  for (const text of [levels.join('\n'), many]) {
    const before = process.cpuUsage()
    const result = await parseConfig(text, { path: 'a.yaml' })
    assert.ok(!result.ok)
    assert.match(result.errors[0]?.message ?? '', /alias/)
    // Not by the clock: other programs may have the processor.
    assert.ok(process.cpuUsage(before).user < 5_000_000)
  }
})

test('refuses nesting that would exhaust the stack', async () => {
  const open = '['.repeat(100_000)
  for (const [format, text] of [
    ['json', open],
    ['yaml', open],
    ['toml', `a = ${open}`],
  ] as const) {
    const result = await parseConfig(text + ']'.repeat(100_000), { path: 'f', format })
    assert.ok(!result.ok, format)
  }
})

test('leaves prototypes alone, whatever a file is called or says', async () => {
  for (const name of ['__proto__', 'constructor', 'prototype']) {
    const texts: Record<Format, string> = {
      yaml: `${name}: { polluted: 1 }\naliases: { ${name}: { polluted: 1 } }`,
      json: `{ "${name}": { "polluted": 1 }, "aliases": { "${name}": { "polluted": 1 } } }`,
      toml: `${name} = { polluted = 1 }\naliases = { ${name} = { polluted = 1 } }`,
    }
    for (const format of FORMATS) {
      const result = await parseConfig(texts[format], { path: 'f', format })
      assert.ok(!result.ok)
      const paths = result.errors
        .filter(({ message }) => /cannot be used as a name/.test(message))
        .map(({ path }) => path)
      assert.deepEqual(paths, [name, `aliases.${name}`])
      assert.equal(Reflect.get({}, 'polluted'), undefined)
    }
  }
})

test('never throws, whatever the text', async () => {
  const piece = fc.oneof(
    fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      ':',
      ',',
      '"',
      "'",
      '\n',
      '  ',
      '- ',
      '&a',
      '*a',
      '!!',
      '=',
      '[[',
      '#',
      '<<',
      '%',
    ),
    fc.constantFrom(
      'providers',
      'models',
      'keys',
      'workers',
      'targets',
      '1',
      'null',
      'true',
      '__proto__',
      '\u0000',
      '\uFEFF',
    ),
    fc.string({ maxLength: 5, unit: 'binary' }),
  )
  const text = fc.array(piece, { maxLength: 40 }).map((pieces) => pieces.join(''))
  await fc.assert(
    fc.asyncProperty(text, fc.constantFrom(...FORMATS), async (source, format) => {
      const result = await parseConfig(source, { path: 'f', format })
      if (result.ok) return
      assert.notEqual(result.errors.length, 0)
      const lines = source.split(/\r\n|\n|\r/)
      for (const { line, column } of result.errors) {
        assert.ok(line >= 1 && line <= lines.length && column >= 1, `${line}:${column}`)
      }
    }),
    { numRuns: 2000 },
  )
})

/** Values of the right and of the wrong kind at places of the document that exist. */
const anyValue = fc.oneof(
  fc.constantFrom('5s', '1MiB', 'auto', 'demo', 'm', true, -1, 0, 1, 3.5, ''),
  fc.array(fc.integer()),
)
const roughDocument = fc.record(
  {
    workers: anyValue,
    listen: fc.oneof(fc.constantFrom('127.0.0.1:9', '[::1]:0'), anyValue),
    timeouts: fc.dictionary(fc.constantFrom('connect', 'idle', 'total', 'totl'), anyValue),
    providers: fc.dictionary(
      fc.constantFrom('a', 'b.c'),
      fc.record({ kind: anyValue, api_key: anyValue }, { requiredKeys: [] }),
    ),
    models: fc.dictionary(
      fc.constantFrom('m', 'gpt-4.1'),
      fc.record({ targets: fc.array(fc.record({ provider: anyValue, model: anyValue })) }),
    ),
    aliases: fc.dictionary(fc.constantFrom('x', 'm'), anyValue),
  },
  { requiredKeys: [] },
)

test('says the same of the same document in YAML, JSON and TOML', async () => {
  await fc.assert(
    fc.asyncProperty(roughDocument, async (value) => {
      const texts: Record<Format, string> = {
        yaml: stringifyYaml(value),
        json: JSON.stringify(value, null, 2),
        toml: stringifyToml(value),
      }
      const [yaml, json, toml] = await Promise.all(
        FORMATS.map(async (format) => {
          const result = await parseConfig(texts[format], { path: 'f', format })
          return result.ok ? result.document : result.errors.map(({ path, message }) => `${path}: ${message}`).sort()
        }),
      )
      assert.deepEqual(json, yaml)
      assert.deepEqual(toml, yaml)
    }),
    { numRuns: 300 },
  )
})
