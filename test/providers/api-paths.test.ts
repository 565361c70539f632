import assert from 'node:assert/strict'
import { test } from 'node:test'
import { serve } from '../request-path/served.ts'
import { KEY } from './cases.ts'
import { startVendor } from './vendor.ts'

const EMBEDDING = { object: 'embedding', index: 0, embedding: [1] }
const ANSWER = {
  object: 'list',
  data: [EMBEDDING],
  model: 'm',
  text: 'heard',
  usage: { prompt_tokens: 3, total_tokens: 3 },
}

type Request = readonly [method: 'GET' | 'POST', path: string, body: object | null]

const EMBEDDINGS: Request = ['POST', '/v1/embeddings', { model: 'p/m', input: 'a' }]
const PICTURES: Request = ['POST', '/v1/images/generations', { model: 'p/m', prompt: 'a' }]
const SPEECH: Request = ['POST', '/v1/audio/speech', { model: 'p/m', input: 'a', voice: 'alloy' }]
const FILES: Request = ['GET', '/v1/files?limit=2', null]
const BATCH: Request = ['GET', '/v1/batches/batch_1', null]
const OTHERS: Request = ['GET', '/v1/fine_tuning/jobs', null]
const THREADS: Request = ['GET', '/v1/conversations/conv_1', null]

const BASE = 'http://vendor.example'
const AZURE = { kind: 'azure-openai', api_key: KEY, base_url: BASE, deployments: { m: 'our m' } }
const DEPLOYMENT = '/openai/deployments/our%20m'

/** Paths as the vendors' REST references have them (Azure OpenAI "Data plane", 2024-10-21 and v1; Ollama "OpenAI compatibility"). */
const CASES: readonly (readonly [provider: object, request: Request, path: string])[] = [
  [AZURE, EMBEDDINGS, `${DEPLOYMENT}/embeddings?api-version=2024-10-21`],
  [AZURE, PICTURES, `${DEPLOYMENT}/images/generations?api-version=2024-10-21`],
  [
    { ...AZURE, api_version: '2025-03-01-preview' },
    SPEECH,
    `${DEPLOYMENT}/audio/speech?api-version=2025-03-01-preview`,
  ],
  [AZURE, FILES, '/openai/files?limit=2&api-version=2024-10-21'],
  [AZURE, BATCH, '/openai/batches/batch_1?api-version=2024-10-21'],
  [AZURE, OTHERS, '/openai/fine_tuning/jobs?api-version=2024-10-21'],
  [
    AZURE,
    ['GET', '/v1/fine_tuning/jobs?api-version=2024-06-01', null],
    '/openai/fine_tuning/jobs?api-version=2024-06-01',
  ],
  [AZURE, THREADS, '/openai/v1/conversations/conv_1'],
  [{ ...AZURE, dialects: ['openai-responses'] }, EMBEDDINGS, `${DEPLOYMENT}/embeddings?api-version=2024-10-21`],
  [{ ...AZURE, base_url: `${BASE}/front/openai` }, FILES, '/front/openai/files?limit=2&api-version=2024-10-21'],
  [{ ...AZURE, api_version: 'v1' }, EMBEDDINGS, '/openai/v1/embeddings'],
  [{ ...AZURE, api_version: 'v1', dialects: ['openai-responses'] }, FILES, '/openai/v1/files?limit=2'],
  [
    { kind: 'azure-foundry', api_key: KEY, base_url: BASE, dialects: ['anthropic-messages'] },
    EMBEDDINGS,
    '/openai/v1/embeddings',
  ],
  [{ kind: 'ollama', base_url: BASE, dialects: ['ollama'] }, EMBEDDINGS, '/v1/embeddings'],
  [{ kind: 'ollama', base_url: BASE }, EMBEDDINGS, '/v1/embeddings'],
  [
    { kind: 'openai', api_key: KEY, base_url: `${BASE}/v1`, dialects: ['openai-responses'] },
    BATCH,
    '/v1/batches/batch_1',
  ],
]

for (const [provider, [method, path, body], expected] of CASES) {
  test(`${JSON.stringify(provider)} is asked for ${method} ${path} at ${expected}`, async (t) => {
    const vendor = await startVendor(t, () => ({ body: JSON.stringify(ANSWER) }))
    const config = { providers: { p: { ...provider, direct: true } }, files: { bind_keys: false } }
    const { edge } = await serve(t, config, {}, { connect: vendor.connect })
    const headers = { 'content-type': 'application/json', 'x-ferro-provider': 'p' }
    const answer = await fetch(`${edge.url}${path}`, {
      method,
      headers,
      ...(body === null ? {} : { body: JSON.stringify(body) }),
    })
    assert.equal(answer.status, 200, await answer.text())
    assert.deepEqual(
      vendor.seen.map((seen) => `${seen.method} ${seen.path}`),
      [`${method} ${expected}`],
    )
  })
}
