import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseConfig } from './parse.ts'
import type { ProviderFacts } from './provider-checks.ts'
import { unresolvedReferences } from './unresolved.ts'

const FACTS: Readonly<Record<string, ProviderFacts>> = {
  plain: { settings: [], tokens: null, dialects: ['openai-chat'], needs: [] },
  cloud: {
    settings: ['region', 'project'],
    tokens: 'aws',
    dialects: ['openai-chat'],
    needs: [{ key: 'project', variable: 'CLOUD_PROJECT' }],
  },
}
const providerFacts = (kind: string) => FACTS[kind] ?? null

/** Errors and warnings of a text, each with its place. */
async function said(text: string): Promise<string[]> {
  const result = await parseConfig(text, { path: 'f.yaml', providerFacts })
  const found = result.ok ? result.warnings : result.errors
  return found.map(({ line, column, path, message }) => `${line}:${column} ${path}: ${message}`)
}

test('what a kind does not have is named where it stands', async () => {
  const text = `providers:
  a: { kind: plain, region: eu, aws: { access_key_id: "{$A}", secret_access_key: "{$B}" } }
  b: { kind: plain, dialects: [openai-chat, gemini] }
  c: { kind: cloud, region: eu, credentials: [{ entra: {} }] }
`
  assert.deepEqual(await said(text), [
    '2:21 providers.a.region: the kind `plain` has no `region`',
    '2:33 providers.a.aws: the kind `plain` does not take `aws`',
    '3:45 providers.b.dialects[1]: the kind `plain` has no endpoint for `gemini`; it has openai-chat',
    '4:49 providers.c.credentials[0].entra: the kind `cloud` does not take `entra`',
  ])
})

test('one credential says in one way who asks', async () => {
  const text = `providers:
  a: { kind: cloud, api_key: "{$A}", aws: { access_key_id: "{$A}", secret_access_key: "{$B}" } }
  b: { kind: plain, api_key: "{$A}", credentials: [{ api_key: "{$B}" }] }
`
  assert.deepEqual(await said(text), [
    '2:38 providers.a.aws: one credential is either `api_key` or `aws`; several go into `credentials`',
    '3:21 providers.b.api_key: `api_key` stands beside `credentials`; write it as one of them',
  ])
})

test('a secret in any credential is warned about', async () => {
  const text = `providers:
  a: { kind: cloud, aws: { access_key_id: AKID, secret_access_key: literal } }
  b: { kind: plain, credentials: [{ api_key: "{$A}" }, { headers: { x-api-key: literal } }] }
`
  const places = (await said(text)).map((line) => line.split(':').slice(0, 2).join(':'))
  assert.deepEqual(places, [
    '2:68 providers.a.aws.secret_access_key',
    '3:80 providers.b.credentials[1].headers.x-api-key',
  ])
})

test('a setting that neither the file nor the environment says is missed', async () => {
  const text = `providers:
  a: { kind: cloud, region: "{$REGION}" }
`
  const result = await parseConfig(text, { path: 'f.yaml', providerFacts })
  assert.ok(result.ok)
  const errorsWith = async (env: Record<string, string>) => {
    const { document, positions, file } = result
    const errors = await unresolvedReferences(document, { positions, file, env, providerFacts })
    return errors.map(({ path, message }) => `${path}: ${message}`)
  }
  assert.deepEqual(await errorsWith({ REGION: 'eu', CLOUD_PROJECT: 'p' }), [])
  assert.deepEqual(await errorsWith({ REGION: 'eu/../..' }), [
    'providers.a.kind: the kind `cloud` needs `project`, or the environment variable `CLOUD_PROJECT`',
    'providers.a.region: stands for something else: expected letters, digits and `. _ : -`',
  ])
})
