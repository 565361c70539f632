/** `node bench/micro/json-scan.ts`: the scanner against JSON.parse, over bodies of the shapes that clients send. */
import { createScanner, patchTopLevel, ScannedObject } from '../../src/lib/index.ts'
import { measure } from './measure.ts'

const scanner = createScanner(
  ['model', 'stream', 'stream_options', 'max_tokens', 'max_completion_tokens', 'messages', 'n', 'user'],
  { maxDepth: 64 },
)

function chat(messages: readonly { role: string; content: string }[]): Buffer {
  return Buffer.from(JSON.stringify({ model: 'fast-chat', stream: true, messages, max_tokens: 100, temperature: 0.5 }))
}

const sentence = 'The quick brown fox jumps over the lazy dog and runs away. '
const bodies: readonly (readonly [name: string, body: Buffer, calls: number])[] = [
  ['1 KB chat', chat(Array.from({ length: 6 }, () => ({ role: 'user', content: sentence.repeat(2) }))), 50_000],
  ['100 KB, one long string', chat([{ role: 'user', content: sentence.repeat(1700) }]), 1000],
  [
    '100 KB, one string with a line end per sentence',
    chat([{ role: 'user', content: `${sentence}\n`.repeat(1650) }]),
    1000,
  ],
  ['100 KB, one string of Chinese', chat([{ role: 'user', content: '敏捷的棕色狐狸跳过懒狗'.repeat(3000) }]), 1000],
  [
    '100 KB, many small strings',
    chat(Array.from({ length: 2000 }, () => ({ role: 'user', content: 'short text' }))),
    500,
  ],
  ['1 MB, one long string', chat([{ role: 'user', content: sentence.repeat(17_000) }]), 100],
]

for (const [name, body, calls] of bodies) {
  console.log(`\n${name} (${body.length} bytes)`)
  measure('  scan', calls, () => scanner.scan(body))
  measure('  JSON.parse', calls, () => JSON.parse(body.toString()) as unknown)
  const object = scanner.scan(body)
  if (!(object instanceof ScannedObject)) throw new Error(`the body was refused: ${object.kind}`)
  measure('  patch two keys', calls, () =>
    patchTopLevel(body, object, [
      { kind: 'set', index: 0, json: '"gpt-4o-mini"' },
      { kind: 'set', index: 2, json: '{"include_usage":true}' },
    ]),
  )
}
