import type { Finding } from './checks.ts'
import { at, itemsOf, text, warning } from './value.ts'

/** Hashes that the documentation prints: whoever copied an example has a key whose secret others may know. */
export const DOCUMENTED_HASHES: ReadonlySet<string> = new Set([
  'sha256:43e24456c6aadff88813353881f2261edfa92be129e08ae89685f2ef1957f4c4',
  'sha256:2c38f4a4f1c1de3d6b3c0dfb6f9a26a0a6b6f1ad1f7ce3f6a8b2d0a93f94b1c7',
  'sha256:5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8',
])

const MESSAGE =
  'this hash is printed in the documentation, so that anybody may have its secret: make one of your own with `ferro hash-key --generate`'

/** Keys and admins of a document, raw or parsed, whose hash is one of the documentation. */
export function checkDocumentedHashes(value: unknown): Finding[] {
  const keys = itemsOf(at(value, 'keys')).flatMap((key, index) => [
    ...found(at(key, 'hash'), ['keys', index, 'hash']),
    ...found(at(at(key, 'previous'), 'hash'), ['keys', index, 'previous', 'hash']),
  ])
  const admins = itemsOf(at(at(value, 'control'), 'admins')).flatMap((admin, index) =>
    found(at(admin, 'hash'), ['control', 'admins', index, 'hash']),
  )
  return [...keys, ...admins]
}

function found(hash: unknown, path: Finding['path']): Finding[] {
  return DOCUMENTED_HASHES.has(text(hash)?.toLowerCase() ?? '') ? [warning(path, MESSAGE)] : []
}
