import assert from 'node:assert/strict'
import { test } from 'node:test'
import { documentFrom } from '../config/index.ts'
import { identityProblems } from './identity-problems.ts'

test('names the key that keeps principals from being known', async () => {
  const issuer = { issuer: 'a', audience: 'b' }
  const { identity } = await documentFrom({
    identity: {
      jwt: [
        { ...issuer, jwks_url: 'https://keys.test/' },
        { ...issuer, jwks_url: 'keys.test' },
        { ...issuer, jwks_file: '/nowhere/keys.json' },
        { ...issuer, jwks_file: import.meta.filename },
      ],
      service: { endpoint: 'ftp://127.0.0.1' },
    },
  })
  const problems = await identityProblems(identity)
  assert.deepEqual(
    problems.map(({ path }) => path.join('.')),
    ['identity.jwt.1.jwks_url', 'identity.jwt.2.jwks_file', 'identity.jwt.3.jwks_file', 'identity.service.endpoint'],
  )
  for (const { message } of problems) assert.doesNotMatch(message, /^(?:auth|identity)\./)
  assert.deepEqual(await identityProblems((await documentFrom({})).identity), [])
})
