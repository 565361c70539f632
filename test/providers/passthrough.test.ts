import assert from 'node:assert/strict'
import { test } from 'node:test'
import { serve } from '../request-path/served.ts'
import { KEY } from './cases.ts'
import { startVendor } from './vendor.ts'

const OPENAI = { kind: 'openai', api_key: KEY, base_url: 'http://openai.example/v1' }
const ANTHROPIC = { kind: 'anthropic', api_key: KEY, base_url: 'http://anthropic.example/v1' }
const GROQ = { kind: 'groq', api_key: KEY, base_url: 'http://groq.example/openai/v1' }
const DEEPSEEK = { kind: 'deepseek', api_key: KEY, base_url: 'http://deepseek.example' }
const ALL = { openai: OPENAI, anthropic: ANTHROPIC, groq: GROQ, deepseek: DEEPSEEK }
const GEMINI = { kind: 'gemini', api_key: KEY, base_url: 'http://gemini.example/v1beta' }
const MESSAGES = { 'anthropic-version': '2023-06-01' }

interface Case {
  readonly what: string
  readonly providers: Readonly<Record<string, object>>
  readonly preferred?: readonly string[]
  readonly headers?: Readonly<Record<string, string>>
  readonly path: string
  readonly body?: object
  /** Null: it is not found, and nobody is asked. */
  readonly asked: string | null
  readonly sent?: object
}

const CASES: readonly Case[] = [
  {
    what: 'the vendor of the dialect',
    providers: ALL,
    path: '/v1/vector_stores',
    asked: 'http://openai.example/v1/vector_stores',
  },
  {
    what: "the vendor of the client's dialect",
    providers: ALL,
    headers: MESSAGES,
    path: '/v1/messages/batches?limit=1',
    asked: 'http://anthropic.example/v1/messages/batches?limit=1',
  },
  {
    what: 'the only one that speaks the dialect, below its own root',
    providers: { openai: OPENAI, deepseek: DEEPSEEK },
    headers: MESSAGES,
    path: '/v1/messages/batches',
    asked: 'http://deepseek.example/anthropic/v1/messages/batches',
  },
  { what: 'the only one', providers: { groq: GROQ }, path: '/v1/new', asked: 'http://groq.example/openai/v1/new' },
  { what: 'one of several', providers: { groq: GROQ, deepseek: DEEPSEEK }, path: '/v1/new', asked: null },
  { what: 'one of two of the vendor', providers: { a: OPENAI, b: OPENAI }, path: '/v1/new', asked: null },
  {
    what: 'the one that the configuration prefers',
    providers: ALL,
    preferred: ['anthropic', 'groq'],
    path: '/v1/new',
    asked: 'http://groq.example/openai/v1/new',
  },
  {
    what: 'nobody who speaks it',
    providers: { openai: OPENAI },
    headers: MESSAGES,
    path: '/v1/messages/batches',
    asked: null,
  },
  {
    what: 'the vendor of a model that it has',
    providers: ALL,
    path: '/v1/fine_tuning/jobs',
    body: { model: 'gpt-4o-mini', training_file: 'file-1' },
    asked: 'http://openai.example/v1/fine_tuning/jobs',
  },
  {
    what: 'the vendor of its paths, without the key of ours in its query',
    providers: { ...ALL, gemini: GEMINI },
    path: '/v1beta/cachedContents?key=virtual&pageSize=2',
    asked: 'http://gemini.example/v1beta/cachedContents?pageSize=2',
  },
  {
    what: 'the vendor of its paths, for a model',
    providers: { ...ALL, gemini: GEMINI },
    path: '/v1beta/cachedContents',
    body: { model: 'models/gemini/gemini-2.5-flash', contents: [] },
    asked: 'http://gemini.example/v1beta/cachedContents',
    sent: { model: 'models/gemini-2.5-flash', contents: [] },
  },
  {
    what: 'no vendor of other paths',
    providers: ALL,
    headers: { 'x-ferro-provider': 'openai' },
    path: '/v1beta/files/abc',
    asked: null,
  },
  { what: 'a model of nobody', providers: ALL, path: '/v1/new', body: { model: 'nobody/has-it' }, asked: null },
]

for (const { what, providers, preferred = [], headers = {}, path, body, asked, sent } of CASES) {
  test(`a request that names no provider goes to ${what}: ${asked ?? 'not found'}`, async (t) => {
    const vendor = await startVendor(t, () => ({ body: '{"object":"list","data":[]}' }))
    const direct = Object.fromEntries(Object.entries(providers).map(([name, one]) => [name, { ...one, direct: true }]))
    const config = { providers: direct, passthrough: { providers: preferred }, files: { bind_keys: false } }
    const { edge } = await serve(t, config, {}, { connect: vendor.connect })
    const answer = await fetch(`${edge.url}${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    assert.equal(answer.status, asked === null ? 404 : 200, await answer.text())
    assert.deepEqual(
      vendor.seen.map(({ origin, path: called }) => `${origin}${called}`),
      asked === null ? [] : [asked],
    )
    if (sent !== undefined) assert.deepEqual(JSON.parse(vendor.seen[0]?.body ?? ''), sent)
  })
}
