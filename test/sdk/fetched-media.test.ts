import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import OpenAI from 'openai'
import { at, type JsonObject } from '../harness/json.ts'
import { DialectHouse } from './dialect-house.ts'

const PNG = Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex')
const PDF = Buffer.from('%PDF-1.7\n%%EOF')

/** Where clients' pictures are: a server that somebody else named. */
class Pictures {
  readonly asked: string[] = []
  readonly #server: Server

  constructor() {
    this.#server = createServer((request, response) => {
      const path = request.url ?? ''
      this.asked.push(path)
      const [status, type, body] = this.#answer(path)
      response.writeHead(status, status === 302 ? { location: type } : { 'content-type': type })
      response.end(body)
    })
  }

  #answer(path: string): [status: number, type: string, body: Buffer] {
    switch (path) {
      case '/cat.png':
        return [200, 'application/octet-stream', PNG]
      case '/paper.pdf':
        return [200, 'application/pdf', PDF]
      case '/moved':
        return [302, '/cat.png', Buffer.alloc(0)]
      case '/inward':
        return [302, 'http://169.254.169.254/latest/meta-data', Buffer.alloc(0)]
      case '/page':
        return [200, 'text/html', Buffer.from('<p>no picture</p>')]
      case '/large':
        return [200, 'image/png', Buffer.concat([PNG, Buffer.alloc(100_000)])]
      default:
        return [404, 'text/plain', Buffer.alloc(0)]
    }
  }

  async start(): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    return (this.#server.address() as AddressInfo).port // a TCP server that listens
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise<void>((resolve) => this.#server.close(() => resolve()))
  }
}

const pictures = new Pictures()
let house: DialectHouse
let origin = ''

before(async () => {
  const port = await pictures.start()
  origin = `http://127.0.0.1:${port}`
  house = await DialectHouse.build({
    translation: { on_loss: 'reject', fetch_media: { enabled: true, max_items: 2, max_bytes: 50_000 } },
    models: {
      'address-first': {
        targets: [
          { provider: 'anthropic', model: 'claude-sonnet-4-5--broken-500' },
          { provider: 'bedrock', model: 'anthropic.claude-sonnet-4-5--text' },
        ],
      },
      'bytes-first': {
        targets: [
          { provider: 'bedrock', model: 'anthropic.claude-sonnet-4-5--text' },
          { provider: 'anthropic', model: 'claude-sonnet-4-5--text' },
        ],
      },
    },
    egress: {
      rules: [{ id: 'pictures', action: 'allow', named_by: 'other', addresses: ['127.0.0.1'], ports: [port] }],
    },
  })
})

after(async () => {
  await house?.close()
  await pictures.close()
})

const VENDORS = ['bedrock', 'ollama', 'gemini'] as const

async function ask(vendor: string, ...urls: readonly string[]): Promise<void> {
  await house.openai().chat.completions.create({
    model: house.model(vendor, 'text'),
    messages: [
      {
        role: 'user',
        content: [
          { type: 'text', text: 'What is this?' },
          ...urls.map((url) => ({ type: 'image_url' as const, image_url: { url } })),
        ],
      },
    ],
  })
}

/** The refusal's words. */
async function refused(vendor: string, ...urls: readonly string[]): Promise<string> {
  const error: unknown = await ask(vendor, ...urls).then(
    () => null,
    (thrown: unknown) => thrown,
  )
  assert.ok(error instanceof OpenAI.BadRequestError, String(error))
  return error.message
}

test('a picture that a client names by its address reaches a vendor that takes only bytes', async () => {
  for (const vendor of VENDORS) {
    await ask(vendor, `${origin}/cat.png`)
    const body: JsonObject = house.server(vendor).newest
    assert.ok(JSON.stringify(body).includes(PNG.toString('base64')), vendor)
    assert.ok(!JSON.stringify(body).includes(origin), vendor)
  }
  await ask('bedrock', `${origin}/moved`)
  assert.deepEqual(pictures.asked.slice(-2), ['/moved', '/cat.png'])
  await house.assertClean()
})

test('a document that a Messages client names by its address does, too', async () => {
  await house.anthropic().messages.create({
    model: house.model('bedrock', 'text'),
    max_tokens: 50,
    messages: [
      {
        role: 'user',
        content: [
          { type: 'text', text: 'What does it say?' },
          { type: 'document', source: { type: 'url', url: `${origin}/paper.pdf` }, title: 'Paper' },
        ],
      },
    ],
  })
  assert.ok(JSON.stringify(house.server('bedrock').newest).includes(PDF.toString('base64')))
  await house.assertClean()
})

test('a vendor that takes addresses gets the address, and nothing is fetched', async () => {
  const { length } = pictures.asked
  await ask('anthropic', `${origin}/cat.png`)
  assert.ok(JSON.stringify(at(house.server('anthropic').newest, 'messages')).includes(`${origin}/cat.png`))
  assert.equal(pictures.asked.length, length)
})

test('nothing inside is fetched, nor what is too large, of another type, missing, or too much', async () => {
  for (const url of [
    'http://169.254.169.254/latest/meta-data',
    'http://[::1]:80/',
    'http://localhost/',
    'http://10.0.0.1/cat.png',
    `http://user:word@127.0.0.1/`,
  ]) {
    assert.match(await refused('bedrock', url), /was not fetched/, url)
  }
  const { length } = pictures.asked
  assert.match(await refused('bedrock', `${origin}/inward`), /leads to where nothing may be fetched/)
  assert.match(await refused('bedrock', `${origin}/large`), /larger than 50000 bytes/)
  assert.match(await refused('bedrock', `${origin}/page`), /of the type "text\/html"/)
  assert.match(await refused('bedrock', `${origin}/gone`), /answered 404/)
  assert.equal(pictures.asked.length, length + 4)
  assert.match(await refused('bedrock', ...['/1', '/2', '/3'].map((path) => origin + path)), /More than 2/)
  assert.equal(pictures.asked.length, length + 4)
})

test('a picture by address is fetched where it is all that is asked', async () => {
  const content = [{ type: 'image_url' as const, image_url: { url: `${origin}/cat.png` } }]
  for (const vendor of VENDORS) {
    await house.openai().chat.completions.create({
      model: house.model(vendor, 'text'),
      messages: [{ role: 'user', content }],
    })
    assert.ok(JSON.stringify(house.server(vendor).newest).includes(PNG.toString('base64')), vendor)
  }
})

async function asked(model: string, ...urls: readonly string[]): Promise<string | null> {
  const { data, response } = await house
    .openai()
    .chat.completions.create({
      model,
      messages: [{ role: 'user', content: urls.map((url) => ({ type: 'image_url', image_url: { url } })) }],
    })
    .withResponse()
  assert.ok(data.choices.length > 0)
  return response.headers.get('x-ferro-model')
}

test('a picture is fetched when the attempt that needs its bytes begins, and not before', async () => {
  const { length } = pictures.asked
  assert.match((await asked('address-first', `${origin}/cat.png`)) ?? '', /^bedrock\//)
  assert.ok(JSON.stringify(house.server('anthropic').newest).includes(`${origin}/cat.png`))
  assert.ok(JSON.stringify(house.server('bedrock').newest).includes(PNG.toString('base64')))
  assert.equal(pictures.asked.length, length + 1)
})

test('a target that needs what cannot be fetched gives way to one that takes the address', async () => {
  assert.match((await asked('bytes-first', `${origin}/gone`)) ?? '', /^anthropic\//)
  assert.ok(JSON.stringify(house.server('anthropic').newest).includes(`${origin}/gone`))
})
