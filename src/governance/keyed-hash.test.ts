import assert from 'node:assert/strict'
import { test } from 'node:test'
import { KeyedHash } from './keyed-hash.ts'

/** `vectors_hsip64` of the reference code: the key is bytes 0 to 7, the message so many bytes from 0 on. */
const VECTORS: readonly (readonly [bytes: number, hash: string])[] = [
  [0, '218d1f59b9b83cc8'],
  [2, '064f39ef7c50eb57'],
  [4, 'd5e78a175be52ea1'],
  [6, 'ce3e91358aa2bc25'],
  [8, 'edfee820bce4858c'],
  [10, '95b0469f06a6f2ee'],
  [12, '7bc71f9faef5c799'],
  [14, '3bb1a870eae8e658'],
]

function hexOf(hash: KeyedHash): string {
  const bytes = Buffer.alloc(8)
  bytes.writeUInt32LE(hash.low, 0)
  bytes.writeUInt32LE(hash.high, 4)
  return bytes.toString('hex')
}

test('gives the hashes of the reference code', () => {
  const hash = new KeyedHash(0x03020100, 0x07060504)
  for (const [bytes, expected] of VECTORS) {
    hash.update(Buffer.from(Array.from({ length: bytes }, (_, at) => at)).toString('utf16le'))
    assert.equal(hexOf(hash), expected, `${bytes} bytes`)
  }
})

test('differs with each key, and with each character beyond latin1', () => {
  const one = new KeyedHash(1, 2)
  const other = new KeyedHash(1, 3)
  const seen = new Set<string>()
  for (const text of ['', 'a', 'ab', 'ā', 'š', '10.0.0.1', '10.0.0.2']) {
    one.update(text)
    other.update(text)
    seen.add(hexOf(one)).add(hexOf(other))
  }
  assert.equal(seen.size, 14)
})
