import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { errorCode } from '../harness/client.ts'
import { keyPair, type TestKey } from '../harness/config.ts'
import { eventually } from '../harness/eventually.ts'
import { at } from '../harness/json.ts'
import { useHouse } from './house.ts'

const plain = keyPair('plain')
const search = keyPair('search')
const acme = keyPair('acme-1')
const far = keyPair('far')
const night = keyPair('night')
const capped = keyPair('capped')
const closed = keyPair('closed')
const tooled = keyPair('tooled')
const ann = keyPair('ann-1')
const WALL = { provider: 'wall', model: 'ok' }
const EVERY_HOUR_BUT = (hour: number) => {
  const clock = (value: number) => `${String(value % 24).padStart(2, '0')}:00`
  return [{ from: clock(hour + 1), to: clock(hour) }]
}

const house = useHouse({
  models: ['ok'],
  otherKeys: [
    plain,
    { key: search, tags: ['beta'] },
    { key: acme, project: 'web' },
    far,
    night,
    capped,
    closed,
    tooled,
    { key: ann, user: 'ann' },
  ],
  more: {
    organizations: [{ id: 'acme' }],
    teams: [{ id: 'web-team', organization: 'acme' }],
    projects: [{ id: 'web', team: 'web-team' }],
    users: [{ id: 'ann' }],
    models: {
      ok: { targets: [WALL] },
      twin: { strategy: 'fallback', targets: [WALL, { provider: 'demo', model: 'demo-chat' }] },
      other: { targets: [{ provider: 'wall', model: 'barrier-mid' }] },
    },
    aliases: { alias: 'other' },
    policies: [
      { id: 'beta-models', match: { tags: ['beta'] }, allow: { models: ['ok', 'twin'] } },
      { id: 'not-other', match: { organizations: ['acme'] }, deny: { models: ['oth*'] }, message: 'Ask Ada.' },
      { id: 'acme-demo', match: { organizations: ['ac*'], teams: ['web-team'] }, allow: { providers: ['demo'] } },
      { id: 'not-from-here', match: { keys: ['far'], addresses: ['127.0.0.0/8'] }, deny: 'all' },
      { id: 'from-there', match: { keys: ['far'] }, except: { addresses: ['10.0.0.0/8'] }, deny: 'all' },
      {
        id: 'by-day',
        match: { keys: ['night'], times: EVERY_HOUR_BUT(new Date().getUTCHours()) },
        deny: { models: ['ok'] },
      },
      { id: 'by-night', match: { keys: ['night'] }, except: { times: [{ to: '24:00' }] }, deny: { models: ['ok'] } },
      {
        id: 'caps',
        match: { keys: ['capped'] },
        allow: { parameters: { max_tokens: { at_most: 100 }, temperature: { at_most: 1 } } },
        deny: { parameters: { stream: true, 'reasoning.effort': { one_of: ['high'] } } },
      },
      { id: 'no-embeddings', match: { users: ['ann'] }, deny: { routes: ['embeddings', 'models.*'] } },
      {
        id: 'tools',
        match: { keys: ['tooled'] },
        allow: { tools: ['weather', 'mcp:*'] },
        deny: { tools: ['mcp:evil'] },
      },
      { id: 'shut', match: { keys: ['closed'] }, deny: 'all' },
    ],
  },
})

async function ask(key: TestKey, body: Record<string, unknown> = {}, model = 'ok') {
  const { status, json, entry } = await house().client.chat({ model, secret: key.secret, body: body as never })
  return { status, code: errorCode(json), message: String(at(json, 'error', 'message')), id: entry.requestId ?? '' }
}

async function recordOf(id: string) {
  return await eventually(() => {
    using database = house().gateway.db()
    return database.prepare('SELECT policy, policy_version, error_code FROM requests WHERE id = ?').get(id) ?? null
  })
}

async function admin(path: string, body: object) {
  const { gateway } = house()
  const token = readFileSync(join(gateway.dataDir, 'admin-token'), 'utf8').trim()
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  const url = `${gateway.controlUrl}/admin/v1/${path}`
  const answer = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) })
  return { status: answer.status, json: (await answer.json()) as unknown }
}

test('who is under no policy is not asked for any, and its record names none', async () => {
  const { status, id } = await ask(plain, { stream: true, max_tokens: 5_000 })
  assert.equal(status, 200)
  assert.deepEqual({ ...(await recordOf(id)) }, { policy: null, policy_version: null, error_code: null })
})

test('A14 an allow list by tag lets its models pass and no others, under any name, and lists no others', async () => {
  assert.equal((await ask(search)).status, 200)
  for (const model of ['other', 'alias', 'wall/barrier-mid', 'demo/demo-chat']) {
    const refused = await ask(search, {}, model)
    assert.ok(refused.status === 403 || refused.status === 404, `${model}: ${refused.status}`)
    if (refused.status === 403)
      assert.deepEqual([refused.code, /"beta-models"/.test(refused.message)], ['policy_denied', true])
  }
  const listed = await house().newClient(search).fetch('/v1/models')
  const { data } = (await listed.json()) as { data: { id: string }[] }
  assert.deepEqual(data.map(({ id }) => id).sort(), ['ok', 'twin'])
})

test('A14 a deny list of an organisation wins whatever the name, and tells its message', async () => {
  for (const model of ['other', 'alias']) {
    const refused = await ask(acme, {}, model)
    assert.deepEqual([refused.status, refused.code], [403, 'policy_denied'])
    assert.match(refused.message, /"not-other"\. Ask Ada\./)
  }
})

test('A14 a denied provider serves nothing, not even as the last target left', async () => {
  const seen = house().wall.requests.length
  const refused = await ask(acme)
  assert.deepEqual([refused.status, refused.code, /"acme-demo"/.test(refused.message)], [403, 'policy_denied', true])
  assert.equal((await ask(acme, {}, 'twin')).status, 200, 'the other target serves it')
  assert.equal(house().wall.requests.length, seen)
})

test('addresses and times decide when the request comes', async () => {
  const refused = await ask(far)
  assert.deepEqual([refused.status, /"not-from-here"/.test(refused.message)], [403, true])
  assert.equal((await ask(night)).status, 200, 'neither of the two windows is now')
  const at = new Date(Date.UTC(2027, 0, 4, (new Date().getUTCHours() + 3) % 24)).toISOString()
  const told = await admin('policy/explain', { key_id: 'night', model: 'ok', time: at })
  assert.equal(Object(told.json).rule, 'by-day')
})

test('parameters are held to their lists in every spelling and every dialect', async () => {
  const good = [{}, { max_tokens: 100 }, { max_completion_tokens: 7, temperature: 1 }, { stream: false }]
  for (const body of good) assert.equal((await ask(capped, body)).status, 200, JSON.stringify(body))
  const bad = [
    { max_tokens: 101 },
    { max_completion_tokens: 101, max_tokens: 5 },
    { temperature: 1.5 },
    { temperature: '1' },
    { stream: true },
    { reasoning: { effort: 'high' } },
  ]
  for (const body of bad) {
    const refused = await ask(capped, body)
    assert.deepEqual([refused.status, refused.code], [403, 'policy_denied'], JSON.stringify(body))
    assert.match(refused.message, /policy "caps"/)
  }
  const post = async (path: string, body: object) => {
    const headers = { 'content-type': 'application/json', 'anthropic-version': '2023-06-01' }
    const client = house().newClient(capped)
    const answer = await client.fetch(path, { method: 'POST', headers, body: JSON.stringify(body) })
    await answer.text()
    return answer.status
  }
  const messages = [{ role: 'user', content: 'a' }]
  const contents = [{ role: 'user', parts: [{ text: 'a' }] }]
  assert.equal(await post('/v1/messages', { model: 'ok', max_tokens: 100, messages }), 200)
  assert.equal(await post('/v1/messages', { model: 'ok', max_tokens: 101, messages }), 403)
  assert.equal(await post('/v1/responses', { model: 'ok', max_output_tokens: 101, input: 'a' }), 403)
  const gemini = '/v1beta/models/ok'
  assert.equal(await post(`${gemini}:generateContent`, { contents, generationConfig: { maxOutputTokens: 9 } }), 200)
  assert.equal(await post(`${gemini}:generateContent`, { contents, generationConfig: { maxOutputTokens: 900 } }), 403)
  assert.equal(
    await post(`${gemini}:generateContent`, { contents, generation_config: { max_output_tokens: 900 } }),
    403,
  )
  assert.equal(await post(`${gemini}:streamGenerateContent`, { contents }), 403)
})

test('what could be read in two ways is refused, wherever it stands', async () => {
  const twice = [
    '{"model":"ok","messages":[{"role":"user","content":"a"}],"temperature":0,"temperature":2}',
    '{"model":"ok","messages":[{"role":"user","content":"a"}],"reasoning":{"effort":"low","effor\\u0074":"high"}}',
  ]
  for (const body of twice) {
    const headers = { 'content-type': 'application/json' }
    const answer = await house().newClient(capped).fetch('/v1/chat/completions', { method: 'POST', headers, body })
    assert.equal(answer.status, 400)
    assert.match(await answer.text(), /appears twice/)
  }
})

test('tools are known by name, kind and server', async () => {
  const fn = (name: string) => ({ type: 'function', function: { name, parameters: { type: 'object' } } })
  assert.equal((await ask(tooled, { tools: [fn('weather')] })).status, 200)
  const bad = [
    { tools: [fn('weather'), fn('shell')] },
    { tools: [{ type: 'web_search_preview' }] },
    { functions: [{ name: 'shell' }] },
    { web_search_options: {} },
    { tools: [{ type: 'mcp', server_label: 'evil', server_url: 'https://a.test' }] },
    { tools: { shell: 1 } },
  ]
  for (const body of bad) {
    const refused = await ask(tooled, body)
    assert.deepEqual([refused.status, refused.code], [403, 'policy_denied'], JSON.stringify(body))
    assert.match(refused.message, /policy "tools"/)
  }
})

test('routes and everything are refused before a body is read, and take nothing of any limit', async () => {
  const client = house().newClient(ann)
  assert.equal((await client.fetch('/v1/models')).status, 403)
  const embed = await client.fetch('/v1/embeddings', { method: 'POST', body: 'no json' })
  assert.deepEqual([embed.status, /no-embeddings/.test(await embed.text())], [403, true])
  assert.equal((await ask(ann)).status, 200)
  assert.equal((await ask(closed)).status, 403)
})

test('a record has the policy that refused, or those that let pass, and their version', async () => {
  const refused = await recordOf((await ask(capped, { stream: true })).id)
  const passed = await recordOf((await ask(night)).id)
  assert.equal(refused['policy'], 'deny:caps')
  assert.equal(refused['error_code'], 'policy_denied')
  assert.match(String(refused['policy_version']), /^[0-9a-f]{12}$/)
  assert.equal(passed['policy'], null, 'neither of the two applies now')
  const beta = await recordOf((await ask(search)).id)
  assert.deepEqual([beta['policy'], beta['policy_version']], ['allow:beta-models', refused['policy_version']])
  const model = await recordOf((await ask(search, {}, 'other')).id)
  assert.equal(model['policy'], 'deny:beta-models')
})

test('an explanation names the policy, what it refuses, and why the others have nothing to say', async () => {
  const body = { max_tokens: 5_000, tools: [] }
  const { status, json } = await admin('policy/explain', { key_id: 'capped', model: 'twin', body })
  assert.equal(status, 200)
  const told = Object(json)
  assert.deepEqual([told.decision, told.rule], ['deny', 'caps'])
  assert.match(told.message, /"max_tokens" is not allowed: policy "caps"/)
  const caps = told.policies.find(({ id }: { id: string }) => id === 'caps')
  assert.equal(caps.applies, 'yes')
  assert.equal(told.policies.filter(({ applies }: { applies: string }) => applies === 'no match').length, 10)
  const web = await admin('policy/explain', { key_id: 'acme-1', model: 'twin' })
  assert.deepEqual(Object(web.json).decision, 'allow')
  assert.deepEqual(
    Object(web.json).targets.map(({ provider, refused_by: by }: Record<string, string>) => [provider, by]),
    [
      ['wall', 'acme-demo'],
      ['demo', null],
    ],
  )
  assert.equal((await admin('policy/explain', { key_id: 'nobody' })).status, 404)
  assert.equal((await admin('policy/explain', { kye_id: 'capped' })).status, 400)
})
