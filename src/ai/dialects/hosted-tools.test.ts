import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { JsonObject } from '../ir/json.ts'
import { Losses } from '../ir/losses.ts'
import type { BuiltinTool, ModelRequest } from '../ir/request.ts'
import { encodeTools as encodeForGemini } from './gemini/encode-tools.ts'
import { type HostedLimits, limitsOf } from './hosted-tools.ts'

const ALL: ReadonlySet<keyof HostedLimits> = new Set([
  'allowedDomains',
  'blockedDomains',
  'maxUses',
  'location',
  'contextSize',
])
const PLACE = { city: 'Turin', country: 'IT' }

function search(definition: JsonObject, kind: BuiltinTool['kind'] = 'web-search'): BuiltinTool {
  return { type: 'builtin', kind, definition }
}

suite('limits of tools that vendors run', () => {
  const spellings: readonly (readonly [string, JsonObject, HostedLimits])[] = [
    [
      'Messages',
      {
        type: 'web_search_20250305',
        name: 'web_search',
        max_uses: 3,
        blocked_domains: ['b.org'],
        user_location: { type: 'approximate', ...PLACE, region: null },
      },
      { blockedDomains: ['b.org'], maxUses: 3, location: PLACE },
    ],
    [
      'Responses',
      {
        type: 'web_search',
        filters: { allowed_domains: ['a.org'] },
        search_context_size: 'low',
        user_location: { type: 'approximate', ...PLACE },
      },
      { allowedDomains: ['a.org'], location: PLACE, contextSize: 'low' },
    ],
    [
      'chat completions',
      { type: 'web_search_options', user_location: { type: 'approximate', approximate: PLACE } },
      { location: PLACE },
    ],
    ['Gemini', { googleSearch: { excludeDomains: ['b.org'] } }, { blockedDomains: ['b.org'] }],
  ]
  for (const [name, definition, limits] of spellings) {
    test(`are read in the words of ${name}, and named where nothing holds them`, () => {
      const losses = new Losses()
      assert.deepEqual(limitsOf(search(definition), losses, ALL), limits)
      assert.equal(losses.fidelity, 'exact')
      const lost = new Losses()
      assert.deepEqual(limitsOf(search(definition), lost), {})
      assert.equal(lost.fidelity, 'lossy')
      assert.equal(lost.header().split(',').length, Object.keys(limits).length)
    })
  }

  test('say of every other member that it is left out', () => {
    const losses = new Losses()
    const filters = { allowed_domains: ['a.org'], zzz: 1 }
    limitsOf(search({ type: 'web_search', filters, external_web_access: false }), losses, ALL)
    limitsOf(search({ type: 'code_interpreter', container: { type: 'auto' } }, 'code-execution'), losses, ALL)
    limitsOf(search({ googleSearch: { timeRangeFilter: { startTime: 'x' } } }), losses, ALL)
    const named = ['code-execution.container', 'web-search.external_web_access', 'web-search.filters.zzz']
    for (const name of [...named, 'web-search.timeRangeFilter']) assert.match(losses.header(), new RegExp(name))
  })

  test('that Google cannot hold make a search lossy', () => {
    const losses = new Losses()
    const tools = [search({ type: 'web_search_20250305', name: 'web_search', allowed_domains: ['x.com'] })]
    const request: ModelRequest = { dialect: 'anthropic-messages', tools } as unknown as ModelRequest // all that is read
    const context = { losses, model: 'gemini-3-pro', schemas: null } as unknown as Parameters<typeof encodeForGemini>[1] // as above
    assert.deepEqual(encodeForGemini(request, context), { tools: [{ googleSearch: {} }] })
    assert.match(losses.header(), /dropped=tools\[\]\.web-search\.allowed_domains/)
  })
})
