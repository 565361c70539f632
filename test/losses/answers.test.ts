/*
 * Nothing of an answer is lost without a word: every member of what upstreams send, known and unknown, whole and streamed, to each
 * dialect of clients, in the form in which it came and in the other one.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { DialectName } from '../../src/ai/dialects/name.ts'
import { isObject } from '../../src/ai/ir/json.ts'
import { UPSTREAMS as VENDORS } from '../golden/upstreams.ts'
import { answerOutcome, WAYS, type Way, type WireAnswer, wireOf } from './answer-outcome.ts'
import { FULL_ANSWERS } from './full-answers.ts'
import { MARK, MARK_BYTES } from './members.ts'
import { CLIENTS, type Outcome, UPSTREAMS } from './outcome.ts'
import { isArrived, isReported, readingOf } from './reported.ts'
import { SHAPES } from './shapes.ts'
import { marksOf, type Path, type WireMark, withAt } from './wire.ts'

/** What is in there is not the vendor's: the model wrote it. Tools of the vendor's keep theirs. */
const WRITTEN: ReadonlySet<unknown> = new Set(['input', 'args', 'arguments', 'partial_json', 'jsonPath'])
/** Members whose text is base64. */
const BYTES: ReadonlySet<unknown> = new Set(['data', 'result', 'bytes'])

/**
 * What says nothing by itself. Discriminators decide how the rest is read; numbers of places put the pieces of a stream together; names
 * and times of an answer and of its items are its own vendor's: a client gets some of its own dialect, and the record has both.
 */
const FORM: ReadonlySet<unknown> = new Set([
  'type',
  'index',
  'role',
  'created',
  'created_at',
  'createTime',
  'responseId',
  'item_id',
  'output_index',
  'content_index',
  'summary_index',
  'contentBlockIndex',
  'done',
  'status',
  'thought',
  'modality',
  'ttl',
  'format',
  'output_format',
  'mimeType',
  // The sum of others, or what is left of one without them.
  'totalTokenCount',
  'ephemeral_5m_input_tokens',
  // Places in a text that is told beside them.
  'startIndex',
  'endIndex',
  'groundingChunkIndices',
])

function isForm(upstream: DialectName, way: Way, wire: unknown, { places }: WireMark): boolean {
  const [path] = places
  if (path === undefined) return true
  const member = path.at(-1)
  if (
    path.some((step) => step === 'groundingChunkIndices') ||
    FORM.has(member) ||
    (member === 'id' && !path.includes('tool_calls'))
  )
    return true
  return places.every((place) => tableSays(upstream, way, wire, place) === 'ran')
}

function tableSays(upstream: DialectName, way: Way, wire: unknown, path: Path): string | null {
  const shapes = SHAPES[upstream]
  if (shapes === undefined) return null
  if (!way.startsWith('stream')) return readingOf(wire, path, shapes.whole)
  const [at] = path
  const event: unknown = Array.isArray(wire) && typeof at === 'number' ? wire[at] : null
  if (!isObject(event)) return null
  const name = typeof event['name'] === 'string' ? event['name'] : null
  return readingOf(event['data'], path.slice(2), shapes.event(name))
}

/** The marks of an answer that the client must hear of. */
function wanted(upstream: DialectName, way: Way, wire: unknown): readonly WireMark[] {
  const streamed = way.startsWith('stream')
  const found = marksOf(wire, (path) => {
    if (WRITTEN.has(path.at(-1))) return true
    return streamed && (path.length === 2 ? path[1] !== 'data' || typeof wire === 'string' : false)
  })
  return found.filter((mark) => {
    // The framing of an event is no part of the answer.
    if (streamed && mark.places.some((path) => path.length < 3)) return false
    return !isForm(upstream, way, wire, mark) && !(streamed && isRepeated(wire, mark))
  })
}

/** Of a stream: whether an earlier event said the same, or the deltas together, or the thing that it stands in came before as a whole. */
function isRepeated(wire: unknown, { places, kind }: WireMark): boolean {
  if (!Array.isArray(wire)) return false
  const [path] = places
  const [at] = path ?? []
  if (path === undefined || typeof at !== 'number') return false
  const before = JSON.stringify(wire.slice(0, at))
  const told = wire.map((event: unknown) => deltaOf(event)).join('')
  let value: unknown = wire[at]
  for (const [depth, step] of path.entries()) {
    if (depth === 0) continue
    value = typeof value === 'object' && value !== null ? (value as Record<string | number, unknown>)[step] : undefined
    if (value === undefined || depth < 2) continue
    if (typeof value === 'string' && kind === 'text' && value.length > 1 && told.includes(value)) {
      if (deltaOf(wire[at]) !== value) return true
    }
    if (typeof value === 'object' && before.includes(JSON.stringify(value))) return true
  }
  return false
}

function deltaOf(event: unknown): string {
  const data = isObject(event) ? event['data'] : null
  const delta = isObject(data) ? data['delta'] : null
  return typeof delta === 'string' ? delta : ''
}

function isSilent(mark: WireMark, plain: Outcome, marked: Outcome): boolean {
  if (isReported(mark, marked)) return false
  if (mark.kind === 'number' || mark.kind === 'flag') return marked.body === plain.body
  return !isArrived(marked.body)
}

let marks = 0

for (const upstream of UPSTREAMS) {
  const answers: readonly [string, WireAnswer][] = [
    ...Object.entries(VENDORS[upstream]?.answers ?? {}),
    ...Object.entries(FULL_ANSWERS[upstream] ?? {}),
  ]
  for (const client of CLIENTS) {
    for (const way of WAYS) {
      test(`nothing of an answer of ${upstream} (${way}) is lost unseen on its way to clients of ${client}`, () => {
        const lost = new Set<string>()
        for (const [feature, answer] of answers) {
          const wire = wireOf(answer, way)
          const plain = answerOutcome(upstream, client, way, wire)
          assert.ok(plain !== null, `${feature} is an error`)
          for (const mark of wanted(upstream, way, wire)) {
            marks++
            const value = mark.kind === 'text' && BYTES.has(mark.places[0]?.at(-1)) ? MARK_BYTES : mark.value
            const marked = answerOutcome(upstream, client, way, withAt(wire, mark.places, value))
            if (marked !== null && isSilent(mark, plain, marked)) lost.add(`${feature}: ${mark.kind} ${mark.name}`)
          }
        }
        assert.deepEqual([...lost], [])
      })
    }
  }
}

test('marks are looked for', () => {
  assert.ok(marks > 10_000, `${marks} of ${MARK}`)
})
