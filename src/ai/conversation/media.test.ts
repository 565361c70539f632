import assert from 'node:assert/strict'
import { test } from 'node:test'
import { countMedia } from './media.ts'

const LONG = 'A'.repeat(5_000)
const PICTURE = `data:image/png;base64,${LONG}`

const countOf = (messages: unknown) => {
  const body = Buffer.from(
    `{"model":"m","messages":${typeof messages === 'string' ? messages : JSON.stringify(messages)}}`,
  )
  const { bytes, items } = countMedia(body, body.indexOf('"messages":') + '"messages":'.length)
  return { bytes, items }
}
/** What is counted in a message with this one part. */
const ofPart = (part: unknown) => countOf([{ role: 'user', content: [{ type: 'text', text: 'Look:' }, part] }])

test('counts media parts by the piece, and their data as no text', () => {
  const rows: readonly (readonly [part: object, bytes: number, items: number])[] = [
    [{ type: 'image_url', image_url: { url: PICTURE } }, LONG.length, 1],
    [{ type: 'image_url', image_url: { detail: 'low', url: PICTURE, more: [{}] } }, LONG.length, 1],
    [{ type: 'image_url', image_url: PICTURE }, LONG.length, 1],
    [{ type: 'image_url', image_url: { url: PICTURE.replace('image/png', 'IMAGE/PNG;charset=x') } }, LONG.length, 1],
    [{ type: 'image_url', image_url: { url: 'https://pictures.example/1.png' } }, 0, 1],
    [{ type: 'video_url', video_url: { url: `data:video/mp4;base64,${LONG}` } }, LONG.length, 1],
    [{ type: 'input_audio', input_audio: { data: LONG, format: 'wav' } }, LONG.length, 1],
    [{ type: 'file', file: { filename: 'a.pdf', file_data: `data:application/pdf;base64,${LONG}` } }, LONG.length, 1],
    [{ type: 'document_url', document_url: `data:application/pdf;base64,${LONG}` }, LONG.length, 1],
  ]
  for (const [part, bytes, items] of rows) assert.deepEqual(ofPart(part), { bytes, items }, JSON.stringify(part))
  assert.deepEqual(
    countOf([
      { role: 'user', content: [{ type: 'image_url', image_url: { url: PICTURE } }] },
      { role: 'assistant', content: 'I see.' },
      { role: 'user', content: rows.map(([part]) => part) },
    ]).items,
    rows.length + 1,
  )
})

test('reads addresses whose slashes are escaped, as some programs write them', () => {
  const part = JSON.stringify({ type: 'image_url', image_url: { url: PICTURE } }).replaceAll('/', '\\/')
  assert.deepEqual(countOf(`[{"role":"user","content":[${part}]}]`), { bytes: LONG.length, items: 1 })
})

test('text is no media, whatever it says of itself', () => {
  const rows: readonly unknown[] = [
    { type: 'text', text: PICTURE },
    { type: 'text', text: `"image_url":{"url":"${PICTURE}"}` },
    { type: 'text', url: PICTURE, file_data: PICTURE, data: PICTURE },
    { type: 'text', other: { image_url: { url: PICTURE } } },
    { type: 'image_url', image_url: { title: PICTURE } },
    { type: 'image_url', image_url: { url: { url: PICTURE } } },
    { type: 'file', file: { file_data: `data:text/plain;base64,${LONG}` } },
    { type: 'file', file: { file_data: `data:application/json,"image/png;base64,${LONG}"` } },
    { type: 'image_url', image_url: { url: `data:,image/png;base64,${LONG}` } },
    { type: 'image_url', image_url: null },
    { type: 'input_audio', input_audio: [LONG] },
    PICTURE,
    [{ image_url: { url: PICTURE } }],
  ]
  for (const part of rows) assert.deepEqual(ofPart(part), { bytes: 0, items: 0 }, JSON.stringify(part))
  for (const messages of [
    [{ role: 'user', content: PICTURE }],
    [{ role: 'user', content: { image_url: { url: PICTURE } } }],
    [{ role: 'user', image_url: { url: PICTURE }, content: '' }],
    [{ role: 'assistant', tool_calls: [{ function: { arguments: `{"image_url":{"url":"${PICTURE}"}}` } }] }],
    [[{ content: [{ image_url: { url: PICTURE } }] }]],
    [],
    [1, null, 'image_url', {}],
  ]) {
    assert.deepEqual(countOf(messages), { bytes: 0, items: 0 }, JSON.stringify(messages))
  }
})

test('sound, films and documents may become the more tokens the longer they are, and pictures do not', () => {
  const data = (type: string) => `data:${type};base64,${'A'.repeat(1_000_000)}`
  const source = (type: string) => ({ source: { type: 'base64', media_type: type, data: 'A'.repeat(1_000_000) } })
  const rows: readonly (readonly [part: object, tokens: number])[] = [
    [{ image_url: { url: data('image/png') } }, 2_000],
    [{ image_url: { url: 'https://pictures.example/1.png' } }, 2_000],
    [{ input_audio: { data: 'A'.repeat(1_000_000), format: 'mp3' } }, 6_025],
    [{ input_audio: { format: 'wav', data: 'A'.repeat(2_000_000) } }, 3_004],
    [{ audio_url: { url: data('audio/mpeg') } }, 6_025],
    [{ inlineData: { mimeType: 'video/mp4', data: 'A'.repeat(1_000_000) } }, 7_519],
    [{ file: { filename: 'a.pdf', file_data: data('application/pdf') } }, 62_500],
    [{ type: 'document', ...source('application/pdf') }, 62_500],
    [{ type: 'image', ...source('image/png') }, 2_000],
  ]
  for (const [part, tokens] of rows) {
    const body = Buffer.from(JSON.stringify([{ role: 'user', content: [part] }]))
    assert.equal(countMedia(body, 0).tokens, tokens, JSON.stringify(part).slice(0, 80))
  }
})
