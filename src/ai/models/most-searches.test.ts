import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mostSearches } from './most-searches.ts'

test('tells how often a vendor may search for an answer, in the words of each dialect', () => {
  const rows: readonly (readonly [body: object, searches: number])[] = [
    [{ messages: [{ content: 'web_search is a word' }] }, 0],
    [{ tools: [{ type: 'function', function: { name: 'web_search' } }] }, 0],
    [{ tools: [{ type: 'web_search_20250305', max_uses: 3 }] }, 3],
    [{ tools: [{ type: 'web_search_20250305' }] }, 5],
    [{ tools: [{ type: 'web_search' }], max_tool_calls: 2 }, 2],
    [{ tools: [{ type: 'web_search_preview' }, { type: 'web_search_20250305', max_uses: 1 }] }, 6],
    [{ tools: [{ google_search: {} }] }, 5],
    [{ tools: [{ googleSearch: {} }] }, 5],
    [{ web_search_options: {} }, 5],
    [{ search_parameters: { mode: 'auto' } }, 5],
    [{ tools: [{ type: 'web_search', max_uses: -1 }] }, 5],
  ]
  for (const [body, searches] of rows) {
    assert.equal(mostSearches(Buffer.from(JSON.stringify(body)), 5), searches, JSON.stringify(body))
  }
})
