import assert from 'node:assert/strict'
import { isUtf8 } from 'node:buffer'
import { test } from 'node:test'
import fc from 'fast-check'
import { readJson } from './json-read.ts'
import { createScanner, ScannedObject, type ScanResult } from './json-scan.ts'

const KEYS = ['model', 'stream', 'stream_options', 'max_tokens', 'n']
const MODEL = 0
const scanner = createScanner(KEYS, { maxDepth: 64 })

function scan(text: string): ScanResult {
  return scanner.scan(Buffer.from(text))
}

function expectObject(result: ScanResult): ScannedObject {
  assert.ok(result instanceof ScannedObject, JSON.stringify(result))
  return result
}

/** What the scanner must decide, worked out by `JSON.parse` and by the text of its keys. */
function accepts(text: string): boolean {
  if (text.startsWith('\ufeff')) return false
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
  } catch {
    // The parser's refusal is the answer.
    return false
  }
}

/** JSON text with white space, escapes and member orders that `JSON.stringify` would not write. */
const space = fc.constantFrom('', ' ', '\n', '\r\n\t')
const stringText = fc.oneof(
  fc.string({ unit: 'binary' }).map((text) => JSON.stringify(text)),
  fc.constantFrom('"\\ud83d\\ude00"', '"\\ud800"', '"a\\/b\\b\\f"', '"model"', `"${'long '.repeat(200)}"`),
  fc
    .tuple(fc.integer({ min: 0, max: 600 }), fc.constantFrom('\\n', '\\"', 'é', '😀', '\\\\', ''))
    .map(([length, piece]) => `"${'x'.repeat(length)}${piece}${'y'.repeat(length % 7)}"`),
)
const scalarText = fc.oneof(
  stringText,
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => JSON.stringify(number)),
  fc.constantFrom('true', 'false', 'null', '0', '-0', '1e400', '1.5E+3', '-12.25e-7', '[]', '{}', '{ }', '[ ]'),
)
const { value: valueText } = fc.letrec<{ value: string }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    scalarText,
    fc.tuple(space, fc.array(tie('value'), { maxLength: 4 })).map(([gap, items]) => `[${gap}${items.join(`${gap},`)}]`),
    fc
      .tuple(space, fc.array(fc.tuple(stringText, tie('value')), { maxLength: 4 }))
      .map(([gap, members]) => `{${members.map(([key, item]) => `${gap}${key}${gap}:${item}`).join(',')}${gap}}`),
  ),
}))
const governedText = fc.constantFrom(...KEYS).map((key) => JSON.stringify(key))
const objectText = fc
  .tuple(
    space,
    fc.uniqueArray(fc.tuple(fc.oneof(governedText, stringText), valueText), {
      maxLength: 8,
      selector: ([key]) => JSON.parse(key),
    }),
  )
  .map(
    ([gap, members]) => `${gap}{${members.map(([key, item]) => `${gap}${key}:${gap}${item}`).join(`${gap},`)}}${gap}`,
  )

test('finds every governed key of a valid object, and its value as JSON.parse sees it', () => {
  fc.assert(
    fc.property(objectText, (text) => {
      const bytes = Buffer.from(text)
      const object = expectObject(scanner.scan(bytes))
      const parsed = JSON.parse(bytes.toString()) as Record<string, unknown>
      assert.equal(bytes[object.open], 0x7b)
      assert.equal(bytes[object.close], 0x7d)
      for (const [index, key] of KEYS.entries()) {
        assert.equal(object.has(index), Object.hasOwn(parsed, key))
        if (!object.has(index)) continue
        assert.equal(readJson(bytes, object.keyStart(index), object.keyEnd(index)), key)
        assert.deepEqual(readJson(bytes, object.valueStart(index), object.valueEnd(index)), parsed[key])
      }
    }),
    { numRuns: 2000 },
  )
})

test('accepts a mutated text exactly when JSON.parse does', () => {
  const mutation = fc.record({
    at: fc.nat(),
    remove: fc.integer({ min: 0, max: 2 }),
    insert: fc.constantFrom(
      '',
      '"',
      '\\',
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '0',
      '-',
      '.',
      'e',
      '+',
      '\n',
      '\u0000',
      '\u001f',
      ' ',
      '\u00a0',
      'é',
      'u',
      't',
      '/',
    ),
  })
  let accepted = 0
  let refused = 0
  fc.assert(
    fc.property(objectText, fc.array(mutation, { minLength: 1, maxLength: 3 }), (text, mutations) => {
      let mutated = text
      for (const { at, remove, insert } of mutations) {
        const from = at % (mutated.length + 1)
        mutated = mutated.slice(0, from) + insert + mutated.slice(from + remove)
      }
      // Half a surrogate pair would be replaced on its way to UTF-8: compare what the scanner is given.
      const bytes = Buffer.from(mutated)
      const result = scanner.scan(bytes)
      const valid = accepts(bytes.toString())
      if (valid) accepted++
      else refused++
      // A mutation may give a governed key twice; the scanner stops there and never learns whether the rest is valid.
      if (result.kind === 'duplicate-key') return
      assert.equal(result.kind === 'object', valid, `${result.kind}: ${mutated}`)
    }),
    { numRuns: 6000 },
  )
  assert.ok(accepted > 200 && refused > 200, `${accepted} accepted, ${refused} refused`)
})

test('accepts every prefix and every single changed byte of a body exactly when JSON.parse does', () => {
  const filler = `${'0123456789abcde\\n'.repeat(20)}é😀${'z'.repeat(300)}`
  const body = Buffer.from(`{"model":"m","messages":[{"role":"user","content":"${filler}"}],"n":-1.5e+2,"stream":true}`)
  for (let end = 0; end < body.length; end++) assert.notEqual(scanner.scan(body.subarray(0, end)).kind, 'object')
  for (let at = 0; at < body.length; at++) {
    for (const byte of [0x00, 0x0a, 0x1f, 0x20, 0x22, 0x2c, 0x30, 0x5c, 0x7b, 0x7d, 0x80, 0xff]) {
      const changed = Buffer.from(body)
      changed[at] = byte
      const result = scanner.scan(changed)
      if (!isUtf8(changed)) assert.equal(result.kind, 'invalid-utf8')
      else assert.equal(result.kind === 'object', accepts(changed.toString()), `byte ${byte} at ${at}`)
    }
  }
})

test('reads long strings at every alignment of the buffer', () => {
  const backing = Buffer.alloc(2048)
  for (let offset = 0; offset < 9; offset++) {
    for (let length = 250; length < 290; length++) {
      const valid = `{"a":"${'x'.repeat(length)}","model":1}`
      for (const [text, kind] of [
        [valid, 'object'],
        [valid.replace('x"', '\u0001"'), 'not-json'],
        [valid.replace('x"', '\\"'), 'not-json'],
        [valid.replace('x"', '\\\\"'), 'object'],
        [valid.replace('x"', '\u007f"'), 'object'],
      ] as const) {
        const size = backing.write(text, offset)
        assert.equal(scanner.scan(backing.subarray(offset, offset + size)).kind, kind, text)
      }
    }
  }
})

test('refuses a governed key that appears twice, however it is escaped', () => {
  const spellings = ['model', 'mod\\u0065l', '\\u006d\\u006F\\u0064\\u0065\\u006c']
  for (const first of spellings) {
    for (const second of spellings) {
      const result = scan(`{"${first}":"a","x":1,"${second}":"b"}`)
      assert.deepEqual(result, { kind: 'duplicate-key', offset: first.length + 14, key: 'model' })
    }
  }
})

test('finds a governed key that is escaped', () => {
  const text = '{"\\u006dodel":"a"}'
  const object = expectObject(scan(text))
  assert.equal(text.slice(object.valueStart(MODEL), object.valueEnd(MODEL)), '"a"')
})

test('lets ungoverned keys repeat and ignores governed names below the top level', () => {
  const object = expectObject(scan('{"a":1,"a":2,"b":{"model":1,"model":2},"c":"\\"model\\":3"}'))
  assert.equal(object.has(MODEL), false)
})

test('allows nesting up to the limit and refuses one level more', () => {
  const nested = (levels: number) => `{"a":${'['.repeat(levels)}${']'.repeat(levels)}}`
  assert.equal(scan(nested(63)).kind, 'object')
  assert.deepEqual(scan(nested(64)), { kind: 'too-deep', offset: 5 + 63 })
  assert.equal(scan(`{"a":${'{"b":'.repeat(100_000)}`).kind, 'too-deep')
})

test('allows so many members, objects and lists, and eight times as many plain values of lists', () => {
  const few = createScanner(['model'], { maxDepth: 8, maxMembers: 100 })
  const kind = (text: string) => few.scan(Buffer.from(text)).kind
  const members = (n: number) => Array.from({ length: n }, (_, at) => `"k${at}":[]`).join(',')
  assert.equal(kind(`{"a":[${'1,'.repeat(750)}1]}`), 'object')
  assert.equal(kind(`{"a":[${'1,'.repeat(810)}1]}`), 'too-many')
  assert.equal(kind(`{${members(40)}}`), 'object')
  assert.equal(kind(`{${members(60)}}`), 'too-many')
  assert.equal(kind(`{"a":{${members(40)}}}`), 'object')
  assert.equal(kind(`{"a":{${members(60)}}}`), 'too-many')
  assert.equal(kind(`{"a":[${'{},'.repeat(60)}{}]}`), 'object')
  assert.equal(kind(`{"a":[${'{},'.repeat(110)}{}]}`), 'too-many')
  assert.equal(kind('{"a":1}'), 'object', 'each body is counted anew')
})

test('names what is wrong and where', () => {
  const cases: readonly (readonly [string | Buffer, string, number])[] = [
    ['', 'not-json', 0],
    ['  ', 'not-json', 2],
    ['[1]', 'not-object', 0],
    [' "text"', 'not-object', 1],
    ['null', 'not-object', 0],
    ['model=x', 'not-json', 0],
    ['{"a":1,}', 'not-json', 7],
    ['{"a" 1}', 'not-json', 5],
    ['{"a":01}', 'not-json', 6],
    ['{"a":"\n"}', 'not-json', 6],
    ['{"a":1', 'not-json', 6],
    ['{"a":"x', 'not-json', 7],
    ['{"a":1} {', 'trailing-data', 8],
    ['\ufeff{}', 'bom', 0],
    [Buffer.from([0x7b, 0x22, 0xc3, 0x28, 0x22, 0x3a, 0x31, 0x7d]), 'invalid-utf8', 2],
    [Buffer.from([0x7b, 0x7d, 0xef, 0xbf]), 'invalid-utf8', 4],
    [Buffer.from('{"a":1}', 'utf16le'), 'not-json', 1],
  ]
  for (const [body, kind, offset] of cases) {
    const result = scanner.scan(Buffer.from(body))
    assert.ok(!(result instanceof ScannedObject), JSON.stringify(body))
    assert.deepEqual(result, { kind, offset }, JSON.stringify(body))
  }
})

test('overwrites its object at the next scan, and leaves a copy alone', () => {
  const first = expectObject(scan('{"model":1}'))
  const copy = first.copy()
  const second = expectObject(scan('{"n":1}'))
  assert.equal(first, second)
  assert.equal(first.has(MODEL), false)
  assert.deepEqual([copy.has(MODEL), copy.valueStart(MODEL), copy.open, copy.close], [true, 9, 0, 10])
})

test('refuses a list of governed keys that it cannot honour', () => {
  assert.throws(() => createScanner(['a', 'a'], { maxDepth: 8 }), /twice/)
  assert.throws(() => createScanner(['é'], { maxDepth: 8 }), /plain ASCII/)
})
