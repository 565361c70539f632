import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PatternError } from './pattern-error.ts'
import { loadRegexCompiler } from './regex-engine.ts'
import type { RouteRequest } from './route-request.ts'
import {
  type Condition,
  compileAddresses,
  compileHeader,
  compileQuery,
  type NamedCondition,
  QueryParameters,
  type ValueTest,
} from './value-match.ts'

const regex = await loadRegexCompiler()

function holds(condition: Condition, request: Partial<RouteRequest>): boolean {
  const query = new QueryParameters()
  query.reset(request.query ?? '')
  const whole = { listener: '', host: null, path: '/', method: 'GET', query: '', clientAddress: '', ...request }
  return condition.matches({ names: [], values: [], ...whole }, query)
}

function headerHolds(condition: NamedCondition, ...lines: readonly (readonly [string, string])[]): boolean {
  const names = lines.map(([name]) => name)
  return holds(compileHeader(condition, regex), { names, values: lines.map(([, value]) => value) })
}

const exact = (text: string): ValueTest => ({ kind: 'exact', text })

test('tests a value by its text, its beginning, a glob, an expression', () => {
  const rows: readonly (readonly [ValueTest, readonly string[], readonly string[]])[] = [
    [exact('v1'), ['v1'], ['V1', 'v1.0', '', ' v1']],
    [{ kind: 'prefix', text: 'Bearer ' }, ['Bearer ', 'Bearer x'], ['bearer x', 'Basic x']],
    [{ kind: 'glob', pattern: 'a*z' }, ['az', 'a/b/z'], ['a', 'azy']],
    [{ kind: 'glob', pattern: '*' }, ['', 'x'], []],
    [{ kind: 'regex', pattern: 'v[0-9]+' }, ['v1', 'v22'], ['v', 'xv1', 'v1x']],
  ]
  for (const [is, matching, others] of rows) {
    for (const value of matching) assert.ok(headerHolds({ name: 'X-A', is }, ['x-a', value]), `${is.kind} ${value}`)
    for (const value of others) assert.ok(!headerHolds({ name: 'X-A', is }, ['x-a', value]), `${is.kind} ${value}`)
    for (const value of matching) {
      const query = new URLSearchParams([['X-A', value]]).toString()
      assert.ok(holds(compileQuery({ name: 'X-A', is }, regex), { query }), `${is.kind} ${value}`)
    }
  }
})

test('tells a header that is there from one that is not', () => {
  assert.ok(headerHolds({ name: 'Accept', is: 'present' }, ['accept', '']))
  assert.ok(!headerHolds({ name: 'Accept', is: 'present' }, ['accept-language', '']))
  assert.ok(headerHolds({ name: 'Accept', is: 'absent' }))
  assert.ok(!headerHolds({ name: 'Accept', is: 'absent' }, ['accept', '']))
  for (const values of ['any', 'every'] as const) assert.ok(!headerHolds({ name: 'x-a', is: exact(''), values }))
})

test('U8: a condition sees every value of a header, on lines of their own or behind commas', () => {
  const forms = [
    [
      ['x-role', 'user'],
      ['x-role', 'admin'],
    ],
    [
      ['x-role', 'admin'],
      ['x-role', 'user'],
    ],
    [
      ['x-role', 'user'],
      ['other', 'user'],
      ['x-role', 'guest, admin'],
    ],
    [['x-role', 'user, admin']],
    [['x-role', 'admin,user']],
    [['x-role', ' user ,\tadmin ']],
  ] as const
  for (const lines of forms) {
    const shown = JSON.stringify(lines)
    assert.ok(headerHolds({ name: 'x-role', is: exact('admin') }, ...lines), shown)
    assert.ok(headerHolds({ name: 'x-role', is: exact('user'), values: 'any' }, ...lines), shown)
    assert.ok(!headerHolds({ name: 'x-role', is: exact('user'), values: 'every' }, ...lines), shown)
    assert.ok(!headerHolds({ name: 'x-role', is: exact('admin'), values: 'every' }, ...lines), shown)
  }
  assert.ok(
    headerHolds({ name: 'x-role', is: exact('user'), values: 'every' }, ['x-role', 'user'], ['x-role', 'user, user']),
  )
  const agent = 'Browser/1 (a, like b)'
  assert.ok(headerHolds({ name: 'user-agent', is: exact(agent), values: 'every' }, ['user-agent', agent]))
})

test('decodes a query once, and sees every value of a parameter', () => {
  const on = (condition: NamedCondition, query: string) => holds(compileQuery(condition, regex), { query })
  const isB = { name: 'a', is: exact('b') }
  for (const query of ['a=b', 'x=1&a=b', 'a=c&a=b', '%61=%62', 'a=b&a', '&&a=b&']) assert.ok(on(isB, query), query)
  for (const query of ['', 'a', 'a=', 'A=b', 'a=bb', 'aa=b', 'a=%2562', 'x=a=b', 'a;a=b'])
    assert.ok(!on(isB, query), query)
  assert.ok(on({ name: 'a b', is: exact('c d') }, 'a+b=c%20d'))
  assert.ok(on({ ...isB, values: 'every' }, 'a=b&a=b'))
  assert.ok(!on({ ...isB, values: 'every' }, 'a=b&a=c'))
  assert.ok(!on({ ...isB, values: 'every' }, ''))
  assert.ok(on({ name: 'a', is: 'present' }, 'a'))
  assert.ok(on({ name: 'a', is: 'absent' }, 'b=a'))
  assert.ok(!on({ name: 'a', is: 'absent' }, '%61'))
  for (const name of ['__proto__', 'constructor', 'toString']) {
    assert.ok(!on({ name, is: 'present' }, ''))
    assert.ok(on({ name, is: 'present' }, `${name}=1`))
  }
})

test('knows the addresses of a list, in either form of IPv4', () => {
  const list = compileAddresses(['10.0.0.0/8', '192.0.2.1', 'fd00::/8', '::1'])
  const from = (clientAddress: string) => holds(list, { clientAddress })
  for (const address of [
    '10.255.0.1',
    '192.0.2.1',
    '::ffff:10.0.0.1',
    '::ffff:a00:1',
    'fdff::1',
    '::1',
    'fd00::1%eth0',
  ]) {
    assert.ok(from(address), address)
  }
  for (const address of [
    '11.0.0.1',
    '192.0.2.2',
    '::ffff:11.0.0.1',
    'fc00::1',
    '::2',
    '::',
    '',
    'unix',
    '10.0.0.1:80',
  ]) {
    assert.ok(!from(address), address)
  }
  const everyone = compileAddresses(['0.0.0.0/0', '::/0'])
  for (const clientAddress of ['1.2.3.4', 'fe80::1']) assert.ok(holds(everyone, { clientAddress }))
})

test('says what is wrong with a condition', () => {
  for (const text of [
    '',
    '10.0.0.0/33',
    '::/129',
    '10.0.0/8',
    '10.0.0.0/',
    '10.0.0.0/8/8',
    '10.0.0.0/-1',
    'localhost',
    '10.0.0.0/a',
  ]) {
    assert.throws(() => compileAddresses([text]), PatternError, text)
  }
  for (const name of ['', 'a b', 'a:', 'caf\u00e9']) {
    assert.throws(() => compileHeader({ name, is: 'present' }, regex), PatternError, name)
  }
  assert.throws(() => compileQuery({ name: 'a', is: { kind: 'regex', pattern: '(' } }, regex), PatternError)
  assert.throws(() => compileQuery({ name: 'a', is: { kind: 'glob', pattern: '**' } }, regex), PatternError)
})
