/**
 * `node bench/micro/route-table.ts`: finding a route among 1, 100 and 5,000 rules, half of them exact paths;
 * bytes that a search allocates; what normalising a path costs, and compiling the table.
 */
import { getHeapStatistics } from 'node:v8'
import { canonicalPath, type PathRules } from '../../src/core/match/canonical-path.ts'
import type { RouteRequest } from '../../src/core/match/route-request.ts'
import type { RouteRule } from '../../src/core/match/route-rule.ts'
import { compileRouteTable, type RouteTable } from '../../src/core/match/route-table.ts'
import { measure } from './measure.ts'

const CALLS = 200_000
const RULES: PathRules = { segments: 'refuse', encodedSlash: 'refuse' }

/** Exact paths, prefixes, globs and rules of a host, in turn. */
function ruleAt(at: number): RouteRule<string> {
  const id = `r${at}`
  const path = `/service-${at % 50}/resource-${at}`
  if (at % 2 === 0) return { id, match: { paths: [{ kind: 'exact', path }] }, route: id }
  if (at % 4 === 1) return { id, match: { paths: [{ kind: 'prefix', path }], methods: ['GET', 'POST'] }, route: id }
  if (at % 8 === 3) return { id, match: { paths: [{ kind: 'glob', pattern: `${path}/*/items` }] }, route: id }
  return { id, match: { hosts: [`h${at}.example.com`], paths: [{ kind: 'prefix', path }] }, route: id }
}

function requestOf(path: string, host = 'localhost:8080'): RouteRequest {
  const names = ['host', 'accept', 'user-agent']
  const values = [host, '*/*', 'bench']
  return { listener: 'public', host, path, method: 'GET', names, values, query: '', clientAddress: '127.0.0.1' }
}

async function tableOf(rules: readonly RouteRule<string>[]): Promise<RouteTable<string>> {
  const compiled = await compileRouteTable(rules)
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.problems[0]))
  return compiled.table
}

/** Searches for one request again and again, and prints the time and the bytes of a search. */
function find(name: string, table: RouteTable<string>, request: RouteRequest): void {
  measure(name, CALLS, () => table.find(request))
  const before = getHeapStatistics().total_allocated_bytes
  for (let call = 0; call < CALLS; call++) table.find(request)
  const bytes = (getHeapStatistics().total_allocated_bytes - before) / CALLS
  console.log(`${''.padEnd(56)} ${bytes.toFixed(1).padStart(10)} bytes`)
}

for (const count of [1, 100, 5_000]) {
  const started = performance.now()
  const table = await tableOf(Array.from({ length: count }, (_, at) => ruleAt(at)))
  console.log(`\n${count} rules, compiled in ${(performance.now() - started).toFixed(1)} ms`)
  const last = (kind: number) => count - 1 - ((((count - 1 - kind) % 8) + 8) % 8)
  const pathOf = (at: number) => `/service-${at % 50}/resource-${at}`
  find('exact', table, requestOf(pathOf(Math.max(0, last(0)))))
  if (count > 8) {
    find('prefix, with a method', table, requestOf(`${pathOf(last(1))}/a/b`))
    find('glob', table, requestOf(`${pathOf(last(3))}/a/items`))
    find('host and prefix', table, requestOf(`${pathOf(last(7))}/a`, `h${last(7)}.example.com:8080`))
  }
  find('nothing', table, requestOf('/service-1/other'))
  const hosts = ['localhost:8080', '127.0.0.1:8080'].map((host) => requestOf(pathOf(Math.max(0, last(0))), host))
  let call = 0
  measure('exact, another host each time', CALLS, () => table.find(hosts[call++ & 1] as RouteRequest)) // 0 or 1
}

const conditions = await tableOf([
  {
    ...{ id: 'a', route: 'a' },
    match: {
      headers: [{ name: 'accept', is: { kind: 'regex', pattern: '[a-z*]+/[a-z*]+' } }],
      addresses: ['127.0.0.0/8'],
    },
  },
  { id: 'b', match: { paths: [{ kind: 'regex', pattern: '/users/(?P<id>[0-9]+)' }] }, route: 'b' },
])
console.log('')
find('header by expression, and address', conditions, requestOf('/'))
const users = await tableOf([{ id: 'b', match: { paths: [{ kind: 'regex', pattern: '/users/[0-9]+' }] }, route: 'b' }])
find('path by expression', users, requestOf('/users/1234567'))
const encoded = await tableOf([{ id: 'b', match: { paths: [{ kind: 'prefix', path: '/a' }] }, route: 'b' }])
find('prefix, path with an encoded reserved character', encoded, requestOf('/a/b%40c'))

console.log('')
for (const path of ['/service-1/resource-12', '/caf%c3%a9/%61', '/.well-known/x']) {
  measure(`canonical ${path}`, CALLS, () => canonicalPath(path, RULES))
}
measure('canonical /a/./b//c/../d, normalised', CALLS, () =>
  canonicalPath('/a/./b//c/../d', { segments: 'normalise', encodedSlash: 'refuse' }),
)
