import assert from 'node:assert/strict'
import { test } from 'node:test'
import { serve } from '../../../test/request-path/served.ts'

/** What `GET /v1/capabilities` says of each model. */
async function capabilities(
  t: Parameters<typeof serve>[0],
  config: object,
): Promise<Record<string, Record<string, string>>> {
  const { edge } = await serve(t, config)
  const answer = await fetch(`${edge.url}/v1/capabilities`)
  assert.equal(answer.status, 200)
  return Object((await answer.json()) as unknown).models as Record<string, Record<string, string>> // the route's shape
}

test('what becomes of a parameter is found on the way of a request, model by model', async (t) => {
  const models = await capabilities(t, {
    providers: {
      claude: { kind: 'anthropic', api_key: 'secret-1234' },
      mistral: { kind: 'mistral', api_key: 'secret-1234' },
    },
    models: {
      claude: { targets: [{ provider: 'claude', model: 'claude-x' }] },
      large: { targets: [{ provider: 'mistral', model: 'large', capabilities: { refuses: ['logit_bias'] } }] },
    },
  })
  const rows = [
    ['claude', 'temperature', 'translate'],
    ['claude', 'tools', 'translate'],
    ['claude', 'n', 'unsupported'],
    ['claude', 'seed', 'unsupported'],
    ['claude', 'logit_bias', 'unsupported'],
    ['claude', 'top_logprobs', 'unsupported'],
    ['large', 'temperature', 'forward'],
    ['large', 'seed', 'translate'],
    ['large', 'logit_bias', 'unsupported'],
    ['demo-chat', 'temperature', 'forward'],
  ] as const
  for (const [model, parameter, expected] of rows) {
    assert.equal(models[model]?.[parameter], expected, `${model} ${parameter}`)
  }
})
