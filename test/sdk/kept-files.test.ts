import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import OpenAI, { toFile } from 'openai'
import { keyPair } from '../harness/config.ts'
import { Gateway } from '../harness/gateway.ts'
import { AccountsUpstream } from '../mocks/openai-operations/accounts.ts'

const ACCOUNTS = ['account-one-Kq8vTn3Rs1', 'account-two-Wm2xLp7Yd4']
const OTHER_ACCOUNT = 'account-three-Zb6cHj9Fg5'
const mine = keyPair('mine')
const other = keyPair('other')
const many = Array.from({ length: 12 }, (_, at) => keyPair(`many${at}`))

let one: AccountsUpstream
let two: AccountsUpstream
let gateway: Gateway

before(async () => {
  one = await AccountsUpstream.start('one', ACCOUNTS)
  two = await AccountsUpstream.start('two', [OTHER_ACCOUNT])
  const keeping = { kind: 'openai-compatible', direct: true, dialects: ['openai-chat', 'openai-responses'] }
  gateway = await Gateway.start({
    config: {
      listen: '127.0.0.1:0',
      control: { listen: '127.0.0.1:0' },
      workers: 1,
      providers: {
        one: { ...keeping, base_url: one.url, credentials: ACCOUNTS.map((key) => ({ api_key: key })) },
        two: { ...keeping, base_url: two.url, api_key: OTHER_ACCOUNT },
      },
      models: {
        shared: { targets: ['two', 'one'].map((provider) => ({ provider, model: 'gpt-5.2' })) },
      },
      keys: [mine, other, ...many].map(({ id, hash }) => ({ id, hash })),
    },
    readyDeadlineMs: 60_000,
  })
})

after(async () => {
  await gateway?.close()
  await Promise.all([one?.close(), two?.close()])
})

const client = ({ secret } = mine) => new OpenAI({ apiKey: secret, baseURL: `${gateway.url}/v1`, maxRetries: 0 })

const upload = async (provider: string, of = mine) =>
  await client(of).files.create(
    { purpose: 'user_data', file: await toFile(Buffer.from('x'), 'a.txt') },
    { headers: { 'x-ferro-provider': provider } },
  )

const asking = (id: string): OpenAI.Responses.ResponseInput => [
  {
    role: 'user',
    content: [
      { type: 'input_text', text: 'read "file_id": "no-id.at.one"' },
      { type: 'input_file', file_id: id },
    ],
  },
]

test('a file is used where it is kept, by its own name and with the credential that made it, whatever stands first', async () => {
  const file = await upload('one')
  assert.match(file.id, /^file-one_\d+\.at\.one\.[0-9a-f]{16}$/)
  const plain = file.id.split('.')[0]
  for (const model of ['shared', 'one/gpt-5.2']) {
    for (let round = 0; round < 3; round++) {
      await client().responses.create({ model, input: asking(file.id) })
      assert.equal(one.last.key, ACCOUNTS[0])
      assert.deepEqual(one.last.body['input'], asking(plain ?? ''))
    }
    const content: OpenAI.ChatCompletionContentPart[] = [{ type: 'file', file: { file_id: file.id } }]
    await client().chat.completions.create({ model, messages: [{ role: 'user', content }] })
    assert.equal(one.last.path, '/chat/completions')
    assert.equal(one.last.key, ACCOUNTS[0])
  }
  assert.deepEqual(two.seen, [])
  // Streams of answers name files as their vendor does.
  await client().responses.create({ model: 'shared', input: asking(plain ?? '') })
  assert.equal(one.last.key, ACCOUNTS[0])
})

test('files of tools and of training are named as their vendor does', async () => {
  const file = await upload('one')
  const plain = file.id.split('.')[0]
  const tools: OpenAI.Responses.Tool[] = [
    { type: 'code_interpreter', container: { type: 'auto', file_ids: [file.id] } },
  ]
  await client().responses.create({ model: 'shared', input: 'count', tools })
  assert.deepEqual(one.last.body['tools'], [
    { type: 'code_interpreter', container: { type: 'auto', file_ids: [plain] } },
  ])
  await client().fineTuning.jobs.create({ model: 'one/gpt-5.2', training_file: file.id })
  assert.equal(one.last.body['training_file'], plain)
})

test('a file of another key is not found, however it is written', async () => {
  const file = await upload('one')
  const plain = file.id.split('.')[0] ?? ''
  const seen = one.seen.length
  for (const id of [file.id, plain]) {
    const { responses } = client(other)
    await assert.rejects(responses.create({ model: 'one/gpt-5.2', input: asking(id) }), OpenAI.NotFoundError)
    await assert.rejects(
      client(other).fineTuning.jobs.create({ model: 'one/gpt-5.2', training_file: id }),
      OpenAI.NotFoundError,
    )
    const body = JSON.stringify({ model: 'one/gpt-5.2', input: asking(id) })
    for (const written of [
      body.replaceAll('"file_id":', '"file\\u005fid":'),
      body.replaceAll(id, `\\u0066${id.slice(1)}`),
    ]) {
      const answer = await fetch(`${gateway.url}/v1/responses`, {
        method: 'POST',
        headers: { authorization: `Bearer ${other.secret}`, 'content-type': 'application/json' },
        body: written,
      })
      assert.equal(answer.status, 404, written)
    }
  }
  assert.equal(one.seen.length, seen)
})

test('a model that is not where the file is says so', async () => {
  const [first, second] = [await upload('one'), await upload('two')]
  await assert.rejects(
    client().responses.create({ model: 'two/gpt-5.2', input: asking(first.id) }),
    (error) => error instanceof OpenAI.BadRequestError && /provider "one" keeps/.test(error.message),
  )
  await assert.rejects(
    client().responses.create({ model: 'shared', input: [...asking(first.id), ...asking(second.id)] }),
    (error) => error instanceof OpenAI.BadRequestError && /one provider has to have all/.test(error.message),
  )
})

test('what only one account can read goes back to it', async () => {
  const accounts = new Set<string>()
  for (const key of many) {
    const { responses } = client(key)
    const input: OpenAI.Responses.ResponseInput = [{ role: 'user', content: 'begin' }]
    for (let turn = 0; turn < 4; turn++) {
      const answer = await responses.create({
        model: 'one/gpt-5.2',
        store: false,
        include: ['reasoning.encrypted_content'],
        input,
      })
      accounts.add(one.last.key)
      input.push(...answer.output.map((item) => item as OpenAI.Responses.ResponseInputItem), {
        role: 'user',
        content: 'on',
      })
    }
  }
  // Sessions are spread all the same.
  assert.deepEqual(accounts, new Set(ACCOUNTS))
})

test('a container is used where it was made', async () => {
  const { responses } = client(many[0])
  const tools: OpenAI.Responses.Tool[] = [{ type: 'code_interpreter', container: { type: 'auto' } }]
  for (let round = 0; round < 3; round++) {
    const made = await responses.create({ model: 'one/gpt-5.2', input: 'count', tools, prompt_cache_key: `s${round}` })
    const call = made.output.find((item) => item.type === 'code_interpreter_call')
    const container = call?.container_id ?? ''
    await responses.create({
      model: 'one/gpt-5.2',
      input: 'on',
      tools: [{ type: 'code_interpreter', container }],
      prompt_cache_key: `s${round}`,
    })
  }
})

test('a vector store is of the key that made it, where it was made', async () => {
  const named = { headers: { 'x-ferro-provider': 'one' } }
  const store = await client().vectorStores.create({ name: 'mine' }, named)
  const tools: OpenAI.Responses.Tool[] = [{ type: 'file_search', vector_store_ids: [store.id] }]
  await client().responses.create({ model: 'shared', input: 'look', tools })
  assert.equal(one.last.key, ACCOUNTS[0])
  assert.equal((await client().vectorStores.retrieve(store.id)).id, store.id)
  const listed = await client().vectorStores.list({}, named)
  assert.deepEqual(
    listed.data.map(({ id }) => id),
    [store.id],
  )
  const theirs = client(other)
  await assert.rejects(theirs.vectorStores.retrieve(store.id), OpenAI.NotFoundError)
  await assert.rejects(theirs.responses.create({ model: 'shared', input: 'look', tools }), OpenAI.NotFoundError)
  assert.deepEqual((await theirs.vectorStores.list({}, named)).data, [])
})
