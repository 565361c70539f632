import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Directory } from './directory.ts'

const ROLES = [{ id: 'all', permissions: [{ action: '*', resource: '*' }] }]
const BINDINGS = [{ id: 'everybody', role_id: 'all', subject: {} }]
const SUBJECT = { type: 'user', id: 'ada' }

function directory(closed: string): Directory {
  const tenants = [
    { id: 'acme', enabled: true, context: { organization_id: 'acme' } },
    { id: 'search', enabled: true, context: { organization_id: 'acme', team_id: 'search' } },
    { id: 'empty', enabled: true, context: {} },
  ].map((tenant) => ({ ...tenant, enabled: tenant.id !== closed }))
  return new Directory({ tenants, api_keys: [], roles: ROLES, bindings: BINDINGS })
}

test('a tenant that is switched off is so by its id and by its fields alike, for every kind of subject', () => {
  const allowed = (closed: string, tenant: Record<string, string>) =>
    directory(closed).authorize({ tenant, subject: SUBJECT, action: 'chat.completions', resource: 'model:ok' })
  const search = { organization_id: 'acme', team_id: 'search' }
  const rows: readonly (readonly [string, Record<string, string>, boolean])[] = [
    ['nobody', search, true],
    ['search', { id: 'search' }, false],
    ['search', search, false],
    ['search', { ...search, user_id: 'ada' }, false],
    ['search', { organization_id: 'acme' }, true],
    ['search', { organization_id: 'acme', team_id: 'other' }, true],
    ['acme', { organization_id: 'acme', team_id: 'other' }, false],
    ['acme', search, true],
    ['empty', { organization_id: 'elsewhere' }, true],
    ['nobody', { id: 'unknown' }, false],
  ]
  for (const [closed, tenant, expected] of rows) {
    assert.equal(allowed(closed, tenant), expected, `without ${closed}: ${JSON.stringify(tenant)}`)
  }
})
