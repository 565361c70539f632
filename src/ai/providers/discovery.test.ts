import assert from 'node:assert/strict'
import { test } from 'node:test'
import { documentFrom } from '../../config/index.ts'
import type { ResponseHandler, Transport, UpstreamRequest } from '../../core/index.ts'
import { buildProvider } from './upstreams.ts'

const CONTROLLER = { pause: () => undefined, resume: () => undefined, abort: () => undefined }

/** A provider whose list is `body`, and what it was asked. */
async function listed(provider: { readonly kind: string } & object, body: unknown, status = 200) {
  const seen: { origin: string; request: UpstreamRequest }[] = []
  const connect = ({ origin }: { origin: string }): Transport => ({
    dispatch: (request: UpstreamRequest, handler: ResponseHandler) => {
      seen.push({ origin, request })
      setImmediate(() => {
        handler.onResponseStart(CONTROLLER, status, {})
        handler.onResponseData(CONTROLLER, Buffer.from(JSON.stringify(body)))
        handler.onResponseEnd(CONTROLLER, null)
      })
      return true
    },
    close: () => Promise.resolve(),
  })
  const document = await documentFrom({ providers: { p: { api_key: 'key-1', ...provider } } })
  const config = document.providers['p']
  assert.ok(config !== undefined)
  const { discovery } = buildProvider('p', config, document, {}, { demo: connect({ origin: 'demo:' }), connect })
  assert.ok(discovery !== null)
  return { discovery, seen }
}

const EMPTY = { title: null, ownedBy: null, createdAt: null, contextTokens: null, maxOutputTokens: null }

const FORMS = [
  {
    kind: 'openai',
    asked: 'https://api.openai.com/v1/models',
    body: { object: 'list', data: [{ id: 'gpt-4o', object: 'model', created: 1_715_367_049, owned_by: 'system' }, {}] },
    model: { ...EMPTY, id: 'gpt-4o', ownedBy: 'system', createdAt: 1_715_367_049 },
  },
  {
    kind: 'anthropic',
    asked: 'https://api.anthropic.com/v1/models?limit=1000',
    body: {
      data: [{ type: 'model', id: 'claude-opus-4', display_name: 'Claude Opus 4', created_at: '2025-05-14T00:00:00Z' }],
      has_more: false,
    },
    model: { ...EMPTY, id: 'claude-opus-4', title: 'Claude Opus 4', createdAt: 1_747_180_800 },
  },
  {
    kind: 'gemini',
    asked: 'https://generativelanguage.googleapis.com/v1beta/models?pageSize=1000',
    body: {
      models: [
        { name: 'models/gemini-2.5-pro', displayName: 'Gemini', inputTokenLimit: 1_048_576, outputTokenLimit: 65_536 },
      ],
    },
    model: { ...EMPTY, id: 'gemini-2.5-pro', title: 'Gemini', contextTokens: 1_048_576, maxOutputTokens: 65_536 },
  },
  {
    kind: 'ollama',
    asked: 'http://127.0.0.1:11434/api/tags',
    body: { models: [{ name: 'qwen3:8b', model: 'qwen3:8b', size: 1 }] },
    model: { ...EMPTY, id: 'qwen3:8b', title: 'qwen3:8b' },
  },
  {
    kind: 'cohere',
    asked: 'https://api.cohere.com/v1/models?endpoint=chat&page_size=1000',
    body: { models: [{ name: 'command-a-03-2025', endpoints: ['chat'], context_length: 288_000 }] },
    model: { ...EMPTY, id: 'command-a-03-2025', title: 'command-a-03-2025', contextTokens: 288_000 },
  },
  {
    kind: 'bedrock',
    asked: 'https://bedrock.us-east-1.amazonaws.com/foundation-models?byOutputModality=TEXT',
    body: { modelSummaries: [{ modelId: 'amazon.nova-pro-v1:0', modelName: 'Nova Pro', providerName: 'Amazon' }] },
    model: { ...EMPTY, id: 'amazon.nova-pro-v1:0', title: 'Nova Pro', ownedBy: 'Amazon' },
  },
] as const

for (const { kind, asked, body, model } of FORMS) {
  test(`${kind} tells which models it has, once for all who ask`, async () => {
    const { discovery, seen } = await listed({ kind }, body)
    assert.deepEqual(await Promise.all([discovery.list(), discovery.list()]), [[model], [model]])
    assert.deepEqual(await discovery.list(), [model])
    assert.deepEqual(
      seen.map(({ origin, request }) => `${request.method} ${origin}${request.path}`),
      [`GET ${asked}`],
    )
    const headers: readonly string[] = seen[0]?.request.headers ?? []
    assert.ok(headers.includes('key-1') || headers.includes('Bearer key-1'), headers.join(' '))
  })
}

test('what is no list of models is an error that says so, and so is a refusal', async () => {
  const wrong = await listed({ kind: 'openai' }, { data: 'none' })
  await assert.rejects(wrong.discovery.list(), { code: 'upstream_invalid_response' })
  const refused = await listed({ kind: 'openai' }, {}, 401)
  await assert.rejects(refused.discovery.list(), { code: 'upstream_auth' })
})
