import assert from 'node:assert/strict'
import { test } from 'node:test'
import { documentFrom } from '../../config/index.ts'
import { factsOfClaims } from './claim-map.ts'

const entry = (issuer: string, id?: string) => ({
  ...(id === undefined ? {} : { id }),
  issuer,
  audience: 'a',
  jwks_file: '/keys.json',
})
const load = async (...jwt: readonly object[]) => (await documentFrom({ identity: { jwt } })).identity.jwt

test('a subject of one issuer is nobody of another', async () => {
  const idsOf = async (...jwt: readonly object[]) =>
    (await load(...jwt)).map((issuer) => factsOfClaims({ sub: 'admin' }, issuer)?.id)
  assert.deepEqual(await idsOf(entry('https://acme.test/')), ['jwt:admin'])
  assert.deepEqual(await idsOf(entry('https://acme.test/', 'acme'), entry('https://partner.test/', 'partner')), [
    'jwt:acme:admin',
    'jwt:partner:admin',
  ])
  assert.deepEqual(await idsOf(entry('one'), entry('one')), ['jwt:admin', 'jwt:admin'], 'two audiences of one issuer')
})

test('a configuration with several issuers names each of them', async () => {
  const rows = [
    [entry('one'), entry('two')],
    [entry('one', 'acme'), entry('two')],
    [entry('one', 'acme'), entry('one')],
    [entry('one', 'acme'), entry('two', 'acme')],
    [entry('one', 'a:b')],
  ]
  for (const jwt of rows) await assert.rejects(load(...jwt), JSON.stringify(jwt))
})
