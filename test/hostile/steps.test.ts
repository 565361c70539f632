import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { DialectName } from '../../src/ai/dialects/name.ts'
import { UPSTREAM_DIALECTS } from '../../src/ai/dialects/testing/all-dialects.ts'
import { requestTo } from '../golden/translate.ts'
import { stepsOf } from '../harness/steps.ts'
import { HOSTILE_BODIES } from './bodies.ts'

const SMALL = 200
const TIMES = 4
/** Work that grows with the body is four times as much; what grows with its square is sixteen times. */
const MOST_GROWTH = 6

for (const { name, client, make } of HOSTILE_BODIES) {
  test(`the work on a body grows no faster than its length: ${name} (${client})`, () => {
    // The keys of a constant table.
    for (const upstream of Object.keys(UPSTREAM_DIALECTS) as DialectName[]) {
      const path = client === 'gemini' ? { path: { model: 'm', stream: false } } : {}
      const small = { request: make(SMALL), ...path }
      const large = { request: make(SMALL * TIMES), ...path }
      const [few, many] = [small, large].map((from) => stepsOf(() => requestTo(client, upstream, from)))
      assert.ok(few !== undefined && many !== undefined && few > 0)
      assert.ok(many < few * MOST_GROWTH, `before ${upstream}: ${few} steps, then ${many}`)
    }
  })
}
