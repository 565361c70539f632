import assert from 'node:assert/strict'
import { test } from 'node:test'
import { keyOf } from '../../../test/request-path/keys.ts'
import { offlineExchange } from '../../../test/request-path/offline.ts'
import { GatewayError } from '../../core/index.ts'
import { KeyPrincipal } from '../../governance/index.ts'
import { mayBeServedBy } from './authorized-inspect.ts'

test('a model that is switched to is asked for as well, and what nobody knows yet is no', async () => {
  const asked: string[] = []
  const authority = {
    authorize: (action: string, resource: string) => {
      asked.push(`${action} ${resource}`)
      if (resource === 'model:later') return Promise.resolve(null)
      return resource === 'model:cheap' ? null : new GatewayError('rbac_denied', 'no')
    },
  }
  const of = (principal: KeyPrincipal) => Object.assign(offlineExchange(), { principal })
  const held = of(new KeyPrincipal({ ...keyOf('a'), authority }))
  assert.deepEqual(
    ['cheap', 'dear', 'later'].map((model) => mayBeServedBy(held, model)),
    [true, false, false],
  )
  assert.deepEqual(asked.length, 3)
  assert.equal(
    mayBeServedBy(of(new KeyPrincipal(keyOf('b'))), 'dear'),
    true,
    'nobody decides about keys of the gateway',
  )
})
