import assert from 'node:assert/strict'
import { registerHooks } from 'node:module'
import { test } from 'node:test'
import { compileRouteTable } from './route-table.ts'

test('the engine is loaded when a rule has the first regular expression, and not before', async () => {
  const loaded: string[] = []
  const hooks = registerHooks({
    resolve(specifier, context, next) {
      loaded.push(specifier)
      return next(specifier, context)
    },
  })
  const regex = { kind: 'regex', pattern: '/a+' } as const
  try {
    await compileRouteTable([{ id: 'a', match: { paths: [{ kind: 'glob', pattern: '/*' }] }, route: '' }])
    assert.deepEqual(loaded, [])
    await compileRouteTable([{ id: 'a', match: { query: [{ name: 'q', is: regex }] }, route: '' }])
    assert.deepEqual(loaded, ['re2js'])
  } finally {
    hooks.deregister()
  }
})
