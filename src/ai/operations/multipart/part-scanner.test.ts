import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { boundaryOf, PartScanner } from './part-scanner.ts'

interface Found {
  readonly parts: string[]
  readonly values: [name: string, value: string, start: number, end: number][]
  readonly wrong: string | null
  readonly ended: boolean
}

function scan(pieces: readonly Buffer[], boundary = 'b'): Found {
  const parts: string[] = []
  const values: Found['values'] = []
  const scanner = new PartScanner(boundary, {
    onPart: (name, isFile) => {
      parts.push(isFile ? `${name} (file)` : name)
      return !isFile
    },
    onValue: (...value) => void values.push(value),
  })
  let wrong: string | null = null
  for (const piece of pieces) wrong ??= scanner.push(piece)
  return { parts, values, wrong, ended: scanner.ended }
}

const part = (disposition: string, value: string) => `--b\r\nContent-Disposition: ${disposition}\r\n\r\n${value}\r\n`
const FORM = `${part('form-data; name="file"; filename="a.wav"', 'RIFF\r\n--a\r\n--')}${part('form-data; name="model"', 'whisper-1')}${part('form-data; name=empty', '')}--b--\r\n`

test('finds the parts of a form, and where the value of a field stands', () => {
  const { parts, values, wrong, ended } = scan([Buffer.from(FORM)])
  assert.deepEqual(parts, ['file (file)', 'model', 'empty'])
  const at = FORM.indexOf('whisper-1')
  assert.deepEqual(values[0], ['model', 'whisper-1', at, at + 9])
  assert.deepEqual(values[1]?.slice(0, 2), ['empty', ''])
  assert.deepEqual([wrong, ended], [null, true])
})

test('says the same wherever the bytes are cut', () => {
  const whole = scan([Buffer.from(FORM)])
  const cuts = fc.array(fc.integer({ min: 0, max: FORM.length }), { maxLength: 12 })
  fc.assert(
    fc.property(cuts, (at) => {
      const edges = [0, ...at.sort((a, b) => a - b), FORM.length]
      const pieces = edges.slice(1).map((end, index) => Buffer.from(FORM.slice(edges[index], end)))
      assert.deepEqual(scan(pieces), whole)
    }),
  )
})

test('a form that servers could read in another way is refused', () => {
  const wrong: readonly [string, string][] = [
    ['text before the first boundary', `x\r\n${FORM}`],
    ['no name', `${part('form-data', 'x')}--b--`],
    ['two names', `${part('form-data; name="a"; name="model"', 'x')}--b--`],
    ['an encoded name', `${part("form-data; name*=utf-8''model", 'x')}--b--`],
    [
      'two dispositions',
      `--b\r\nContent-Disposition: form-data; name="a"\r\nContent-Disposition: form-data; name="model"\r\n\r\nx\r\n--b--`,
    ],
    ['a folded header', `--b\r\nContent-Disposition: form-data;\r\n name="model"\r\n\r\nx\r\n--b--`],
    [
      'a transfer encoding',
      `--b\r\nContent-Disposition: form-data; name="a"\r\nContent-Transfer-Encoding: base64\r\n\r\nx\r\n--b--`,
    ],
    ['something behind a boundary', `--b \r\nContent-Disposition: form-data; name="a"\r\n\r\nx\r\n--b--`],
    ['a value without end', part('form-data; name="model"', 'm'.repeat(5_000))],
  ]
  for (const [what, text] of wrong) assert.notEqual(scan([Buffer.from(text)]).wrong, null, what)
})

test('a boundary is read from one content type of a form only', () => {
  assert.equal(boundaryOf('multipart/form-data; boundary=abc'), 'abc')
  assert.equal(boundaryOf('Multipart/Form-Data; charset=utf-8; boundary="a b"'), 'a b')
  for (const type of [
    null,
    'application/json',
    'multipart/form-data',
    'multipart/form-data; boundary=a; boundary=b',
    'multipart/form-data; boundary="a "',
  ]) {
    assert.equal(boundaryOf(type), null, String(type))
  }
})

test('all bytes are told in order, apart by whether they are values, however they are cut', () => {
  const text =
    '--b\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nbatch\r\n--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\none\r\n--c\r\n\r\n--b--\r\n'
  for (let size = 1; size < text.length; size++) {
    const told = { all: '', values: '' }
    const scanner = new PartScanner('b', {
      onPart: (name) => name === 'purpose',
      onValue: () => undefined,
      onBytes: (bytes, isValue) => {
        told.all += bytes.toString('latin1')
        if (isValue) told.values += bytes.toString('latin1')
      },
    })
    for (let at = 0; at < text.length; at += size) {
      assert.equal(scanner.push(Buffer.from(text.slice(at, at + size))), null)
    }
    assert.deepEqual(told, { all: text, values: 'batchone\r\n--c\r\n' }, `pieces of ${size}`)
  }
})
