import assert from 'node:assert/strict'
import { test } from 'node:test'
import { countMediaBytes } from './media.ts'

test('counts what follows a base64 mark up to the end of its string', () => {
  const rows = [
    ['nothing', 0, 0],
    ['"data:image/png;base64,AAAA"', 4, 1],
    ['"data:a;base64,AAAA","data:b;base64,BBBBBB"', 10, 2],
    ['"data:a;base64,"', 0, 1],
    ['"data:a;base64,AAAA', 0, 0],
    ['"it says ;base64, and goes on as prose"', 0, 0],
    ['"it says ;base64, and then data:a;base64,AAAA"', 0, 0],
    ['"data:a;base64,ÄÄÄ"', 0, 0],
    ['"data:a;base64,AA\\"', 3, 1],
  ] as const
  for (const [text, bytes, items] of rows) assert.deepEqual(countMediaBytes(Buffer.from(text)), { bytes, items }, text)
})
