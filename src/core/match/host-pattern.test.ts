import assert from 'node:assert/strict'
import { test } from 'node:test'
import { canonicalHost, compileHost } from './host-pattern.ts'
import { PatternError } from './pattern-error.ts'

test('brings the host of a request into one form', () => {
  const rows = [
    [null, ''],
    ['', ''],
    ['example.com', 'example.com'],
    ['EXAMPLE.com:8080', 'example.com'],
    ['example.com.', 'example.com'],
    ['Example.Com.:443', 'example.com'],
    ['127.0.0.1:80', '127.0.0.1'],
    ['[::1]', '[::1]'],
    ['[::1]:8080', '[::1]'],
    ['[0:0:0:0:0:0:0:1]:8080', '[::1]'],
    ['[2001:DB8::0:1]', '[2001:db8::1]'],
    ['[::ffff:127.0.0.1]', '[::ffff:7f00:1]'],
    ['[nonsense]', ''],
    ['[::1', ''],
    ['.', ''],
    [`${'a.'.repeat(4_000)}com`, ''],
  ] as const
  for (const [host, expected] of rows) assert.equal(canonicalHost(host), expected, String(host))
})

test('compiles the hosts of rules into the same form', () => {
  assert.deepEqual(compileHost('Example.COM.'), { kind: 'exact', host: 'example.com' })
  assert.deepEqual(compileHost('*.Example.com'), { kind: 'wildcard', suffix: '.example.com' })
  assert.deepEqual(compileHost('m\u00fcnchen.example'), { kind: 'exact', host: 'xn--mnchen-3ya.example' })
  assert.deepEqual(compileHost('[0:0::1]'), { kind: 'exact', host: '[::1]' })
  assert.deepEqual(compileHost('localhost'), { kind: 'exact', host: 'localhost' })
  assert.deepEqual(compileHost('a_b.internal'), { kind: 'exact', host: 'a_b.internal' })
})

test('says what is wrong with a host', () => {
  const rows = [
    ['', /no host name/],
    ['a..b', /no host name/],
    ['-a.com', /no host name/],
    ['a b', /no host name/],
    ['http://a.com', /colon/],
    ['a.com:80', /leave the port away/],
    ['::1', /IPv6 addresses in brackets/],
    ['[::g]', /no IPv6 address/],
    ['[::1]:80', /no IPv6 address/],
    ['a.*.com', /elsewhere than in front/],
    ['*a.com', /elsewhere than in front/],
    ['*', /elsewhere than in front/],
    ['*.[::1]', /colon/],
    [`${'a'.repeat(60)}.${'b.'.repeat(100)}com`, /no host name/],
  ] as const
  for (const [host, expected] of rows) {
    assert.throws(
      () => compileHost(host),
      (error) => error instanceof PatternError && expected.test(error.message),
      host,
    )
  }
})
