import assert from 'node:assert/strict'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { test } from 'node:test'
import { serve } from '../../../test/request-path/served.ts'
import { startHttp } from '../../../test/request-path/upstream.ts'

const EMPTY = {
  id: 'msg_1',
  type: 'message',
  role: 'assistant',
  model: 'claude-x',
  content: [],
  stop_reason: 'max_tokens',
  stop_sequence: null,
  usage: { input_tokens: 5, cache_creation_input_tokens: 2000, cache_read_input_tokens: 0, output_tokens: 0 },
}

test('a Messages client fills the vendor’s cache with max_tokens 0, and is told where that cannot be', async (t) => {
  const asked: unknown[] = []
  const upstream = await startHttp(t, (req: IncomingMessage, res: ServerResponse) => {
    const pieces: Buffer[] = []
    req.on('data', (piece: Buffer) => pieces.push(piece))
    req.on('end', () => {
      asked.push(JSON.parse(Buffer.concat(pieces).toString()))
      res.writeHead(200, { 'content-type': 'application/json' })
      res.end(JSON.stringify(EMPTY))
    })
  })
  const base_url = `${upstream.origin}/v1`
  const served = await serve(t, {
    providers: {
      claude: { kind: 'anthropic', api_key: 'secret-1234', base_url },
      other: { kind: 'openai', api_key: 'secret-1234', base_url },
    },
    models: {
      small: { targets: [{ provider: 'claude', model: 'claude-x' }] },
      strange: { targets: [{ provider: 'other', model: 'gpt-x' }] },
    },
  })
  const post = async (model: string) => {
    const messages = [{ role: 'user', content: 'Remember this' }]
    const answer = await fetch(`${served.edge.url}/v1/messages`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model, max_tokens: 0, messages }),
    })
    const body: unknown = await answer.json()
    return { status: answer.status, text: JSON.stringify(body) }
  }
  assert.equal((await post('small')).status, 200)
  assert.equal(Object(asked[0]).max_tokens, 0)
  const refused = await post('strange')
  assert.equal(refused.status, 400)
  assert.match(refused.text, /max_tokens/)
  assert.equal(asked.length, 1)
})
