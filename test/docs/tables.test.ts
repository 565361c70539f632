import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chatCodeName } from '../../src/ai/dialects/code-names.ts'
import { demoModels, PROVIDERS, variablesOf } from '../../src/ai/index.ts'
import { OPENAI_HEADERS } from '../../src/ai/providers/forwarded-headers.ts'
import type { KeyHeader } from '../../src/ai/providers/provider-row.ts'
import { NOT_READY } from '../../src/app/memory.ts'
import { CONTROL_CODES } from '../../src/control/errors.ts'
import { ERROR_CODES, type ErrorCode } from '../../src/core/errors.ts'
import { RECORD_FIELDS } from '../../src/storage/record-fields.ts'
import { codesIn, readPage, tableRows } from './pages.ts'

const errors = readPage('docs/errors.md')
const records = readPage('docs/records-and-logs.md')

/** The names that the first cells hold, one each. */
const names = (rows: readonly (readonly string[])[]) => rows.map(([cell = '']) => codesIn(cell)[0] ?? '')

test('every code of the data listener is documented with its status and whether to retry', () => {
  const sections = ['### The request', '### The key', '### The provider', '### The gateway', '### The client left']
  const rows = sections.flatMap((section) => tableRows(errors, section))
  const documented = rows.map((row) => [names([row])[0], Number(row[1]), row[2]])
  const existing = Object.entries(ERROR_CODES).map(([code, row]) => {
    return [chatCodeName(code as ErrorCode), row.status, row.retry === 'never' ? 'no' : 'yes'] // a key of the table
  })
  assert.deepEqual(documented.sort(), existing.sort())
})

test('every code of the control listener is documented with its status', () => {
  const rows = tableRows(errors, '## Codes of the control listener')
  const documented = rows.map((row) => [names([row])[0], Number(row[1])])
  assert.deepEqual(documented.sort(), Object.entries(CONTROL_CODES).sort())
})

test('every field of a record is documented, and shown in the example', () => {
  const fields = RECORD_FIELDS.map(([name]) => name).sort()
  const rows = tableRows(records, '## One record per request')
  const outcomes = new Set(names(rows.slice(-8)))
  const documented = rows.slice(0, -8).flatMap(([cell = '']) => codesIn(cell))
  assert.deepEqual(documented.sort(), fields)
  assert.deepEqual(
    outcomes,
    new Set('success refused upstream_error timeout cancelled drained gateway_error lost'.split(' ')),
  )
  const example = records.blocks.find(({ text }) => text.includes('"trace_id"'))
  const shown: unknown = JSON.parse(example?.text ?? '')
  assert.ok(typeof shown === 'object' && shown !== null && 'data' in shown && Array.isArray(shown.data))
  assert.deepEqual(Object.keys(Object(shown.data[0])).sort(), fields)
})

test('every kind of provider is documented with its address, endpoints, credentials and variables', () => {
  const rows = tableRows(readPage('docs/providers-and-models.md'), '## Kinds')
  const keys = (scheme: KeyHeader): string[] => {
    if (scheme === 'both-keys') return ['api-key', 'x-api-key']
    return scheme === 'none' ? [] : [scheme]
  }
  assert.deepEqual(
    rows.map((cells) => cells.map((cell) => codesIn(cell))),
    PROVIDERS.map(({ kind, baseUrl, endpoints, key, tokens }) => [
      [kind],
      baseUrl === null ? [] : [baseUrl],
      [...new Set(endpoints.map(({ dialect }) => dialect))],
      [...keys(key), ...(tokens === null ? [] : [tokens])],
      [...variablesOf(kind)],
    ]),
  )
})

test('every header of the client that goes to a provider is documented', () => {
  const { text } = readPage('docs/providers-and-models.md')
  const sentence = /Of the client's headers, these go to the provider:([^.]*)\./.exec(text)?.[1] ?? ''
  assert.deepEqual(codesIn(sentence).sort(), [...OPENAI_HEADERS, 'tracestate'].sort())
})

test('every demo model is documented', () => {
  const rows = tableRows(readPage('docs/demo-provider.md'), '# Demo provider')
  assert.deepEqual(names(rows.map(([cell = '']) => [cell])).sort(), demoModels.map(({ id }) => id).sort())
})

test('every reason for not being ready is documented', () => {
  const rows = tableRows(readPage('docs/operations.md'), '## Run')
  assert.deepEqual(names(rows.slice(2)).sort(), Object.keys(NOT_READY).sort())
})
