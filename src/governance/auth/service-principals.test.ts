import assert from 'node:assert/strict'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { eventually } from '../../../test/harness/eventually.ts'
import { offlineExchange } from '../../../test/request-path/offline.ts'
import { poolTo, startHttp } from '../../../test/request-path/upstream.ts'
import { documentFrom } from '../../config/index.ts'
import { type ResponseHandler, WAIT } from '../../core/index.ts'
import { KeyPrincipal } from '../key-principal.ts'
import { LevelTable } from '../level-table.ts'
import { ServicePrincipals } from './service-principals.ts'

/** Four holders of one id: two types in two tenants. Users of `acme` alone may do anything. */
const SUBJECTS: Readonly<Record<string, { readonly tenant: object; readonly subject: object }>> = {
  ada: { tenant: { id: 'acme' }, subject: { type: 'user', id: '1' } },
  bot: { tenant: { id: 'acme' }, subject: { type: 'service_account', id: '1' } },
  eve: { tenant: { id: 'other' }, subject: { type: 'user', id: '1' } },
  key: { tenant: { id: 'a:user' }, subject: { type: 'api_key', id: '1' } },
}

test('subjects of one id and several types or tenants are several principals, each with verdicts of its own', async (t) => {
  const server = await startHttp(t, (req, res) => void answerTo(req, res))
  async function answerTo(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const question = JSON.parse(await text(req))
    const isKey = req.url === '/v1/auth/resolve-api-key'
    const allowed = question.tenant?.id === 'acme' && question.subject?.type === 'user'
    const answer = isKey ? SUBJECTS[question.presented_key] : { allowed, reason: '' }
    res.setHeader('content-type', 'application/json')
    res.end(JSON.stringify(answer))
  }
  const { identity } = await documentFrom({ identity: { service: { endpoint: server.origin, timeout: '5s' } } })
  assert.ok(identity.service !== undefined)
  const rules = {
    levels: new LevelTable(),
    levelsOf: () => [],
    contradiction: () => null,
    unknownLevels: 'record' as const,
  }
  const service = new ServicePrincipals(
    identity.service,
    { connect: () => poolTo(t, server.origin), token: null, warn: () => undefined },
    rules,
  )
  const found = await Promise.all(
    Object.keys(SUBJECTS).map(async (secret) => {
      const principal = await eventually(() => {
        const x = offlineExchange()
        service.identify(x, secret)
        return x.principal
      })
      assert.ok(principal instanceof KeyPrincipal)
      return principal
    }),
  )
  assert.deepEqual(
    found.map(({ id }) => id),
    ['service:acme:user:1', 'service:acme:service_account:1', 'service:other:user:1', 'service:a%3Auser:api_key:1'],
  )
  const verdicts = []
  for (const { authority } of found) {
    verdicts.push((await authority?.authorize('chat.completions', 'model:ok'))?.code ?? 'allowed')
  }
  assert.deepEqual(verdicts, ['allowed', 'rbac_denied', 'rbac_denied', 'rbac_denied'])
})

test('a service that does not let this gateway ask is no word on the key, and the log says what to mend', async (t) => {
  const server = await startHttp(t, (_req, res) => {
    res.writeHead(401, { 'content-type': 'application/json' })
    res.end('{"error":{"message":"This needs the token of the service.","code":"unauthorized"}}')
  })
  const { identity } = await documentFrom({ identity: { service: { endpoint: server.origin, timeout: '5s' } } })
  assert.ok(identity.service !== undefined)
  const told: string[] = []
  const warn = (_message: string, { reason }: Readonly<Record<string, unknown>>) => void told.push(String(reason))
  const rules = {
    levels: new LevelTable(),
    levelsOf: () => [],
    contradiction: () => null,
    unknownLevels: 'record' as const,
  }
  const connect = () => poolTo(t, server.origin)
  const service = new ServicePrincipals(identity.service, { connect, token: 'another', warn }, rules)
  assert.equal(service.identify(offlineExchange(), 'one'), WAIT)
  await eventually(() => told.length === 1, { what: 'the log to be told' })
  assert.match(told[0] ?? '', /identity\.service\.token/)
  assert.equal(service.identify(offlineExchange(), 'one'), WAIT, 'that is no answer, and is not kept as one')
})

test('an address that sends many keys that nobody knows leaves room for the questions of others', async () => {
  const asked: ResponseHandler[] = []
  const silent = {
    dispatch: (_request: object, handler: ResponseHandler) => asked.push(handler) > 0,
    close: async () => undefined,
  }
  const { identity } = await documentFrom({ identity: { service: { endpoint: 'http://127.0.0.1:1', timeout: '60s' } } })
  assert.ok(identity.service !== undefined)
  const rules = {
    levels: new LevelTable(),
    levelsOf: () => [],
    contradiction: () => null,
    unknownLevels: 'record' as const,
  }
  const refused: string[] = []
  const warn = (_message: string, { reason }: Readonly<Record<string, unknown>>) => void refused.push(String(reason))
  const service = new ServicePrincipals(identity.service, { connect: () => silent, token: null, warn }, rules)
  const ask = (address: string, secret: string) => {
    const x = offlineExchange()
    x.origin = { address, scheme: 'http', host: 'a', trusted: false }
    assert.equal(service.identify(x, secret), WAIT)
  }
  for (let at = 0; at < 64; at++) ask('192.0.2.1', `guess-${at}`)
  ask('192.0.2.1', 'guess-0')
  assert.equal(asked.length, 64, 'who asks for the same waits for the same question')
  ask('192.0.2.1', 'guess-64')
  await eventually(() => refused.length === 1, { what: 'one question too many' })
  assert.match(refused[0] ?? '', /192\.0\.2\.1 has too many/)
  ask('192.0.2.2', 'mine')
  assert.equal(asked.length, 65, 'another address is asked for')
  // Nobody waits any more, and the timers of the questions end.
  for (const handler of asked) handler.onResponseError(NO_CONTROLLER, new Error('over'))
})

const NO_CONTROLLER: Parameters<ResponseHandler['onResponseError']>[0] = {
  abort: () => undefined,
  pause: () => undefined,
  resume: () => undefined,
}
