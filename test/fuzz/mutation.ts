import type { SeededRandom } from '../crash/random.ts'
import * as corpus from './corpus.ts'

const CHAT = '{"model":"ok","messages":[{"role":"user","content":"a"}]}'

/** One of the usual values, now and then one of the odd ones. */
function often<T>(random: SeededRandom, usual: readonly T[], odd: readonly T[], oneIn: number): T {
  return random.pick(random.between(1, oneIn) === 1 ? odd : usual)
}

/** A request for a chat or for something else, mostly valid; `credential` is the secret of a key. */
export function drawRequest(random: SeededRandom, credential: string): Buffer {
  const chat = random.between(1, 3) > 1
  const method = chat ? 'POST' : often(random, corpus.METHODS, corpus.ODD_METHODS, 20)
  const usual = chat ? ['/v1/chat/completions'] : ['/v1/models', '/healthz', ...corpus.TARGETS]
  const target = often(random, usual, corpus.ODD_TARGETS, 40)
  const version = often(random, ['HTTP/1.1'], [...corpus.VERSIONS, ...corpus.ODD_VERSIONS], 20)
  const lines = [`${method} ${target} ${version}`, often(random, ['Host: gateway'], ['', 'Host: a:80', 'host:a'], 20)]
  if (random.between(1, 5) > 1) lines.push(`Authorization: Bearer ${credential}`)
  for (let count = random.between(0, 3); count > 0; count--)
    lines.push(often(random, corpus.LINES, corpus.ODD_LINES, 12))
  const [framing, body] = chat ? drawChat(random) : drawBody(random)
  lines.push(framing)
  const head = lines
    .filter((line) => line !== '')
    .map((line) => line + often(random, corpus.LINE_ENDS, corpus.ODD_LINE_ENDS, 200))
  const before = often(random, corpus.BEFORE, corpus.ODD_BEFORE, 30)
  return Buffer.from(`${before}${head.join('')}\r\n${body}`, 'latin1')
}

function drawChat(random: SeededRandom): readonly [line: string, body: string] {
  if (random.between(1, 8) === 1) return drawBody(random)
  if (random.between(0, 1) === 0) return [`Content-Length: ${CHAT.length}`, CHAT]
  const cut = random.between(1, CHAT.length - 1)
  const chunks = [CHAT.slice(0, cut), CHAT.slice(cut), ''].map(
    (part) => `${part.length.toString(16)}\r\n${part}${part === '' ? '' : '\r\n'}`,
  )
  return ['Transfer-Encoding: chunked', `${chunks.join('')}\r\n`]
}

function drawBody(random: SeededRandom): readonly [line: string, body: string] {
  return random.between(0, 1) === 0 ? ['', ''] : often(random, corpus.BODIES, corpus.ODD_BODIES, 3)
}

/** The bytes with up to three things done to them. */
export function mutated(random: SeededRandom, bytes: Buffer): Buffer {
  let all = bytes
  for (let count = random.between(0, 3); count > 0; count--) all = edited(random, all)
  return all
}

function edited(random: SeededRandom, bytes: Buffer): Buffer {
  const at = random.between(0, bytes.length)
  const other = random.between(0, bytes.length)
  const before = bytes.subarray(0, at)
  const byte = Buffer.of(random.between(0, 3) === 0 ? random.between(0, 255) : random.pick([...corpus.SIGNIFICANT]))
  switch (random.between(0, 5)) {
    case 0:
      return Buffer.concat([before, byte, bytes.subarray(at + 1)])
    case 1:
      return Buffer.concat([before, byte, bytes.subarray(at)])
    case 2:
      return Buffer.concat([before, bytes.subarray(at + random.between(1, 12))])
    case 3:
      return Buffer.concat([before, bytes.subarray(Math.min(at, other), Math.max(at, other)), bytes.subarray(at)])
    case 4:
      return Buffer.concat([before, Buffer.alloc(random.between(1, 400), byte), bytes.subarray(at)])
    default:
      return before
  }
}

/** The bytes cut at random places. */
export function pieces(random: SeededRandom, bytes: Buffer): Buffer[] {
  const most = random.pick([1, 10, 100, 1_000, 100_000])
  const all: Buffer[] = []
  for (let at = 0; at < bytes.length && all.length < 200; ) {
    const end = all.length === 199 ? bytes.length : at + random.between(1, most)
    all.push(bytes.subarray(at, end))
    at = end
  }
  return all
}
