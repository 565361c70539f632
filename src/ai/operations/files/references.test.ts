import assert from 'node:assert/strict'
import { test } from 'node:test'
import { referencesIn, withPlainIds } from './references.ts'

function said(body: string, names: 'openai' | 'google' | 'any' = 'openai'): readonly string[] {
  const found = referencesIn(Buffer.from(body), names)
  return found === null || found instanceof Error ? [] : found.references.map((reference) => reference.said)
}

test('finds what members name, in texts and lists, and nothing that stands in a text', () => {
  const text = JSON.stringify({
    content: '"file_id": "file-no", 005 006',
    file_search: { vector_store_ids: ['vs_1', 'vs_2'] },
  })
  assert.deepEqual(said(text), ['vs_1', 'vs_2'])
  assert.deepEqual(said('{"file":{"file_id" :\n"file-1"},"x":{"file_ids":["file-2", "file-1"]}}'), ['file-1', 'file-2'])
  assert.deepEqual(said('{"text":"user_id 0051 \\u00e9"}'), [])
})

test('finds what is written with escapes, in names and values', () => {
  for (const body of [
    '{"file\\u005fid":"file-1"}',
    '{"file_\\u0069d":"file-1"}',
    '{"file_i\\u0064":"file-1"}',
    '{"\\u0066ile_id":"file-1"}',
    '{"file_id":"file\\u002d1"}',
    '{"file_ids":["fi\\u006ce-1"]}',
  ]) {
    assert.deepEqual(said(body), ['file-1'], body)
  }
})

test('names of Google are found in its dialect', () => {
  const uri = 'https://generativelanguage.googleapis.com/v1beta/files/abc'
  assert.deepEqual(said(JSON.stringify({ fileData: { fileUri: uri }, cachedContent: 'cachedContents/x' }), 'google'), [
    uri,
    'cachedContents/x',
  ])
})

test('ids with an origin become the provider’s own, and all else stays as it is', () => {
  const body =
    '{"a":"file-1.at.one.0123456789abcdef","file_id":"file-1.at.one.0123456789abcdef","file_ids":["é","file-2.at.one"]}'
  const plain = '{"a":"file-1.at.one.0123456789abcdef","file_id":"file-1","file_ids":["é","file-2"]}'
  assert.equal(withPlainIds(Buffer.from(body)).toString(), plain)
})

test('bodies that only look as if take time by their length', () => {
  const begun = performance.now()
  for (const piece of ['"file_ids":[', '"file_id":"', '"file_id"      ']) said(piece.repeat(100_000), 'any')
  assert.ok(performance.now() - begun < 5_000)
})
