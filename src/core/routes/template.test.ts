import assert from 'node:assert/strict'
import { test } from 'node:test'
import { offlineExchange } from '../../../test/request-path/offline.ts'
import { compileTemplate, PLACEHOLDERS } from './template.ts'

const x = offlineExchange({ method: 'GET', path: '/a/b', headers: ['X-Name', 'v\u00e9', 'X-Name', 'second'] })

test('a text without placeholders stays as it is, also with braces that are none', () => {
  for (const text of ['', 'plain', '{', '}', '{}', '{ host }', '{Host}', '{1}', '${host', '{{}}', '{host']) {
    assert.equal(compileTemplate(text)(x), text)
  }
})

test('placeholders stand for parts of the request', () => {
  assert.equal(compileTemplate('{method} {scheme}://{host}{uri}')(x), 'GET http://localhost/a/b')
  assert.equal(compileTemplate('<{header.x-name}{header.X-NAME}{header.none}>')(x), '<v\u00e9v\u00e9>')
  assert.equal(compileTemplate('{client.address}')(x), '127.0.0.1')
  assert.equal(compileTemplate('{request.id}|{trace.id}')(x), `${x.id}|${x.traceId}`)
  assert.equal(compileTemplate('{{method}}')(x), '{GET}')
})

test('what there is nothing for is empty', () => {
  for (const text of ['{path.rest}', '{path.1}', '{path.name}', '{key.id}', '{route}', '{query}']) {
    assert.equal(compileTemplate(text)(x), '', text)
  }
})

test('a placeholder that there is none of is refused, with those that there are', () => {
  for (const text of ['{hosts}', 'a{b}', '{client.port}', '{constructor}', '{toString}', '{hasOwnProperty}']) {
    assert.throws(
      () => compileTemplate(text),
      (error) => error instanceof RangeError && error.message.includes('client.address'),
      text,
    )
  }
  assert.ok(PLACEHOLDERS.includes('path.rest'))
})

test('what a placeholder stands for is made safe, what the text says is not', () => {
  const template = compileTemplate('/{method}/', (value) => value.toLowerCase())
  assert.equal(template(x), '/get/')
  assert.equal(compileTemplate('/GET/', (value) => value.toLowerCase())(x), '/GET/')
})
