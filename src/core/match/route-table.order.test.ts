import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  exact,
  expression,
  found,
  glob,
  prefix,
  type Rule,
  requestOf,
  tableOf,
} from '../../../test/request-path/route-tables.ts'
import type { RouteRequest } from './route-request.ts'
import { compileRouteTable, type RouteTable } from './route-table.ts'

test('finds what trying every rule in order would find', async () => {
  const texts = ['/', '/a', '/a/b', '/a/bc', '/ab', '/b/', '/b/c/d']
  const pattern = fc.oneof(
    fc.constantFrom(...texts).map(exact),
    fc.constantFrom(...texts).map(prefix),
    fc.constantFrom('/*', '/a*', '/a/*', '/**/b', '/a/*/c', '/*/c/*', '/b/**/d').map(glob),
    fc.constantFrom('/a.*', '/[ab]/?', '/(a|b)/.+').map(expression),
  )
  const matching = fc.record(
    {
      hosts: fc.constantFrom(['a.com'], ['*.a.com'], ['*.b.a.com'], ['b.a.com', 'c.com']),
      paths: fc.array(pattern, { minLength: 1, maxLength: 3 }),
      methods: fc.constantFrom(['GET'], ['POST', 'GET'], ['PUT']),
      listeners: fc.constantFrom(['public'], ['private']),
      query: fc.constant([{ name: 'q', is: 'present' } as const]),
    },
    { requiredKeys: [] },
  )
  const rules = fc.array(fc.record({ match: matching, priority: fc.constantFrom(0, 0, 0, 1) }), { maxLength: 12 })
  const requests = fc.record({
    path: fc.constantFrom(...texts, '/a/', '/a/b/c', '/c'),
    host: fc.constantFrom('a.com', 'x.a.com', 'b.a.com', 'x.b.a.com', 'c.com', null),
    method: fc.constantFrom('GET', 'PUT', 'DELETE'),
    query: fc.constantFrom('', 'q'),
  })
  await fc.assert(
    fc.asyncProperty(rules, fc.array(requests, { minLength: 5, maxLength: 20 }), async (drafts, asked) => {
      const all = drafts.map((draft, at) => ({ id: String(at), ...draft }))
      const whole = await compileRouteTable(all.map((each) => ({ ...each, route: '' })))
      if (!whole.ok) return // two rules that are the same
      const singles = await Promise.all(all.map((each) => tableOf(each)))
      for (const { path, ...more } of asked) {
        const winners = await winnersOf(all, singles, path, more)
        assert.equal(found(whole.table, path, more), winners, JSON.stringify({ path, ...more }))
      }
    }),
    { numRuns: 150 },
  )
})

/** What pairwise comparison says: of the rules that match alone, the one that no other of them beats. */
async function winnersOf(
  rules: readonly Rule[],
  singles: readonly RouteTable<string>[],
  path: string,
  more: Partial<RouteRequest>,
): Promise<string> {
  let best: Rule | null = null
  const allowed = new Set<string>()
  for (const [at, single] of singles.entries()) {
    const outcome = single.find(requestOf(path, more))
    if (outcome.type === 'method_not_allowed') for (const method of outcome.allow.split(', ')) allowed.add(method)
    if (outcome.type !== 'route') continue
    const next = rules[at] as Rule
    if (best === null) best = next
    else {
      const winner = found(await tableOf(best, next), path, more)
      if (winner === next.id) best = next
    }
  }
  if (best !== null) return best.id
  return allowed.size > 0 ? `405 ${[...allowed].sort().join(', ')}` : 'none'
}
