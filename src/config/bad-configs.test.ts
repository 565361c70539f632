import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { FORMATS } from './formats/format.ts'
import { parseConfig } from './parse.ts'

interface BadConfig {
  readonly name: string
  readonly text: string
  readonly errors: readonly string[]
}

function readTable(format: string): BadConfig[] {
  const table = readFileSync(new URL(`testdata/bad-${format}.txt`, import.meta.url), 'utf8')
  const [, ...blocks] = table.split(/^=== /m)
  return blocks.map((block) => {
    const [name = '', ...lines] = block.trimEnd().split('\n')
    const errors = lines.filter((line) => line.startsWith('>>> ')).map((line) => line.slice(4))
    const text = lines.filter((line) => !line.startsWith('>>> ')).map((line) => `${line}\n`)
    return { name, text: text.join(''), errors }
  })
}

for (const format of FORMATS) {
  for (const { name, text, errors } of readTable(format)) {
    test(`refuses ${name} in ${format} and says where and why`, async () => {
      assert.notEqual(errors.length, 0)
      const result = await parseConfig(text, {
        path: `ferro.${format}`,
        providerKinds: ['openai', 'openai-compatible', 'demo'],
      })
      assert.ok(!result.ok)
      const found = result.errors.map(({ line, column, path, message, suggestion }) => {
        const hint = suggestion === undefined ? '' : ` → ${suggestion}`
        return `${line}:${column} ${path}: ${message}${hint}`
      })
      assert.deepEqual(found, errors)
      for (const error of result.errors) assert.equal(error.file, `ferro.${format}`)
    })
  }
}

test('holds at least 100 different bad configurations', () => {
  const texts = FORMATS.flatMap((format) => readTable(format).map(({ text }) => `${format}:${text}`))
  assert.ok(new Set(texts).size >= 100, `only ${texts.length}`)
})
