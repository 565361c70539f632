import assert from 'node:assert/strict'
import { test } from 'node:test'
import { valuesOf } from './parameters.ts'
import { toolsIn } from './tool-names.ts'

test('every way to offer a tool is seen, by every name that people may know it by', () => {
  const rows: readonly (readonly [Readonly<Record<string, unknown>>, readonly (readonly string[])[]])[] = [
    [{}, []],
    [{ tools: null }, []],
    [{ tools: [{ type: 'function', function: { name: 'f' } }] }, [['f']]],
    [{ tools: [{ type: 'function', name: 'f' }] }, [['f']]],
    [{ tools: [{ name: 'f', input_schema: {} }] }, [['f']]],
    [{ tools: [{ type: 'function' }] }, [['function']]],
    [{ functions: [{ name: 'f' }] }, [['f']]],
    [{ tools: [{ type: 'web_search_20250305', name: 'web_search' }] }, [['web_search_20250305', 'web_search']]],
    [{ tools: [{ type: 'web_search_preview_2025_03_11' }] }, [['web_search_preview_2025_03_11', 'web_search']]],
    [{ tools: [{ googleSearch: {} }] }, [['googleSearch', 'web_search']]],
    [{ tools: [{ google_search: {} }] }, [['google_search', 'web_search']]],
    [
      { tools: [{ functionDeclarations: [{ name: 'a' }, { name: 'b' }], urlContext: {} }] },
      [['a'], ['b'], ['urlContext', 'web_fetch']],
    ],
    [{ toolConfig: { tools: [{ toolSpec: { name: 'f' } }] } }, [['f']]],
    [{ tools: [{ type: 'mcp', server_label: 'docs' }] }, [['mcp', 'mcp:docs']]],
    [{ mcp_servers: [{ type: 'url', name: 'docs' }] }, [['mcp', 'mcp:docs']]],
    [{ web_search_options: {} }, [['web_search', 'web_search_options']]],
    [{ enable_search: false }, []],
    [{ plugins: [{ id: 'web' }] }, [['web', 'web_search']]],
    [
      { tools: [{ type: 'namespace', name: 'n', tools: [{ type: 'function', name: 'f' }, { type: 'web_search' }] }] },
      [
        ['namespace', 'n', 'f', 'n__f'],
        ['namespace', 'n', 'web_search', 'n__web_search'],
      ],
    ],
    [{ tools: [{ type: 'namespace', name: 'n', tools: [] }] }, [['namespace', 'n']]],
    [{ tools: [7] }, [['unknown']]],
    [{ tools: { type: 'shell' } }, [['shell']]],
  ]
  for (const [body, tools] of rows) assert.deepEqual(toolsIn(body), tools, JSON.stringify(body))
})

test('a parameter is found in every spelling, where vendors nest it, and along dots', () => {
  const body = {
    max_tokens: 1,
    max_completion_tokens: 2,
    temperature: null,
    generationConfig: { maxOutputTokens: 3, topP: 0.5, thinkingConfig: { thinkingBudget: 9 } },
    inferenceConfig: { maxTokens: 4 },
    reasoning: { effort: 'high' },
  }
  assert.deepEqual(valuesOf(body, 'max_tokens'), [1, 2, 3, 4])
  assert.deepEqual(valuesOf(body, 'maxOutputTokens'), [1, 2, 3, 4])
  assert.deepEqual(valuesOf(body, 'temperature'), [])
  assert.deepEqual(valuesOf(body, 'top_p'), [0.5])
  assert.deepEqual(valuesOf(body, 'reasoning.effort'), ['high'])
  assert.deepEqual(valuesOf(body, 'thinking_config.thinking_budget'), [9])
  assert.deepEqual(valuesOf(body, 'constructor'), [])
})
