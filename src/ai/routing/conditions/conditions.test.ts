import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RuleConfig } from '../../../config/index.ts'
import { loadRegexCompiler } from '../../../core/index.ts'
import { ExchangeFacts, type FactsOptions } from '../request-facts.ts'
import { compileConditions } from './conditions.ts'

type When = RuleConfig['when']
const regex = await loadRegexCompiler()

interface Said extends Partial<FactsOptions> {
  readonly headers?: Readonly<Record<string, string>>
}

/** Whether a request with this body is as the rule says. */
function holds(when: When, body: unknown = {}, { headers = {}, ...more }: Said = {}): boolean {
  const source = {
    head: { get: (name: string) => headers[name] ?? null },
    principal: { id: 'team-a', tags: new Set(['gold', 'eu']) },
  }
  const facts = new ExchangeFacts(source, {
    surface: 'chat.completions',
    model: 'gpt-4o-mini',
    stream: false,
    inputTokens: 500,
    outputTokens: 0,
    namedOutputTokens: null,
    mediaItems: 0,
    body: Buffer.from(JSON.stringify(body)),
    conversation: 'messages',
    ...more,
  })
  return compileConditions(when, regex)(facts)
}

test('a rule without conditions holds for every request', () => {
  assert.equal(holds({}), true)
})

test('models, surfaces and keys are matched by patterns, of which one is enough', () => {
  assert.equal(holds({ model: ['gpt-4o*', 'o3'] }), true)
  assert.equal(holds({ model: ['gpt-4o'] }), false)
  assert.equal(holds({ surface: ['chat.*'] }), true)
  assert.equal(holds({ key: ['team-b', 'team-?'] }), holds({ key: ['team-?'] }))
  assert.equal(holds({ key: ['team-b'] }), false)
})

test('the tags that an operator gave the key are other words than those that a client says', () => {
  const headers = { 'x-ferro-tags': 'us' }
  assert.equal(holds({ key_tag: ['silver', 'gold'] }, {}, { headers }), true)
  assert.equal(holds({ key_tag: ['us'] }, {}, { headers }), false)
  assert.equal(holds({ tag: ['gold'] }, {}, { headers }), false)
})

test('streams and lengths are compared, without the ends', () => {
  assert.equal(holds({ stream: false }), true)
  assert.equal(holds({ stream: true }), false)
  assert.equal(holds({ input_tokens: { above: 499 } }), true)
  assert.equal(holds({ input_tokens: { above: 500 } }), false)
  assert.equal(holds({ input_tokens: { above: 100, below: 500 } }), false)
})

test('tags and headers: one of several, there or not, by a pattern, a beginning or an expression', () => {
  const headers = { 'x-ferro-tags': 'eu,fast', 'x-tier': 'gold-7' }
  assert.equal(holds({ tag: ['us', 'eu'] }, {}, { headers }), true)
  assert.equal(holds({ tag: ['us'] }, {}, { headers }), false)
  const tests: readonly (readonly [test: NonNullable<When['header']>[string], expected: boolean])[] = [
    ['gold-*', true],
    ['silver', false],
    [true, true],
    [false, false],
    [{ prefix: 'gold' }, true],
    [{ prefix: 'old' }, false],
    [{ regex: 'gold-[0-9]' }, true],
    [{ regex: 'gold' }, false],
  ]
  for (const [wanted, expected] of tests) {
    assert.equal(holds({ header: { 'X-Tier': wanted } }, {}, { headers }), expected, JSON.stringify(wanted))
  }
  assert.equal(holds({ header: { 'x-none': false } }, {}, { headers }), true)
  assert.equal(holds({ header: { 'x-none': { prefix: '' } } }, {}, { headers }), false)
})

test('metadata and parameters: by their path, their kind and their size', () => {
  const body = { metadata: { tier: 'gold', level: 3 }, temperature: 0.7, store: true, reasoning: { effort: 'high' } }
  assert.equal(holds({ metadata: { tier: 'g*' } }, body), true)
  assert.equal(holds({ metadata: { level: '3' } }, body), true)
  assert.equal(holds({ metadata: { none: true } }, body), false)
  assert.equal(holds({ parameter: { temperature: { above: 0.5, below: 1 } } }, body), true)
  assert.equal(holds({ parameter: { temperature: { above: 0.7 } } }, body), false)
  assert.equal(holds({ parameter: { store: true } }, body), true)
  assert.equal(holds({ parameter: { store: false } }, body), false)
  assert.equal(holds({ parameter: { 'reasoning.effort': 'h*' } }, body), true)
  assert.equal(holds({ parameter: { 'reasoning.effort': { above: 0 } } }, body), false)
  assert.equal(holds({ parameter: { 'reasoning.none': 'h*' } }, body), false)
})

test('words of the user alone are looked at, in any case, and where there are none nothing holds', () => {
  const body = {
    messages: [
      { role: 'system', content: 'an invoice is a bill' },
      { role: 'user', content: 'Please TRANSLATE this' },
    ],
  }
  assert.equal(holds({ contains: ['summarise', 'translate'] }, body), true)
  assert.equal(holds({ contains: ['invoice'] }, body), false)
  assert.equal(holds({ not_contains: ['invoice'] }, body), true)
  assert.equal(holds({ not_contains: ['this'] }, body), false)
  assert.equal(holds({ matches: ['TRANS[A-Z]+'] }, body), true)
  assert.equal(holds({ matches: ['trans[a-z]+'] }, body), false)
  assert.equal(holds({ not_contains: ['x'] }, {}), false)
  assert.equal(holds({ matches: ['.*'] }, {}), false)
})

test('an expression costs no more than the text is long, and none that is wrong is compiled', () => {
  const long = { messages: [{ role: 'user', content: `${'a'.repeat(200_000)}!` }] }
  const begun = performance.now()
  assert.equal(holds({ matches: ['(a+)+b'] }, long), false)
  assert.ok(performance.now() - begun < 2_000)
  assert.throws(() => holds({ matches: ['('] }))
  assert.throws(() => compileConditions({ matches: ['a'] }, null), /not loaded/)
})

test('all conditions of a rule must hold', () => {
  assert.equal(holds({ model: ['gpt-*'], stream: false }), true)
  assert.equal(holds({ model: ['gpt-*'], stream: true }), false)
})
