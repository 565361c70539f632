import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { compilePath, type PathPattern } from './path-pattern.ts'
import { PatternError } from './pattern-error.ts'
import { loadRegexCompiler } from './regex-engine.ts'

const regex = await loadRegexCompiler()
const exact = (path: string): PathPattern => ({ kind: 'exact', path })
const prefix = (path: string): PathPattern => ({ kind: 'prefix', path })
const glob = (pattern: string): PathPattern => ({ kind: 'glob', pattern })
const expression = (pattern: string): PathPattern => ({ kind: 'regex', pattern })

test('a pattern matches these paths and not those', () => {
  const rows: readonly (readonly [PathPattern, readonly string[], readonly string[]])[] = [
    [exact('/a'), ['/a'], ['/', '/a/', '/ab', '/A', '/a/b']],
    [exact('/'), ['/'], ['/a']],
    [exact('/a*'), ['/a*'], ['/ab']],
    [exact('/caf\u00e9'), ['/caf%C3%A9'], ['/cafe%CC%81', '/cafe']],
    [exact('/%61%2fb'), ['/a%2Fb'], ['/a/b']],
    [prefix('/api'), ['/api', '/api/', '/api/x', '/api/x/y'], ['/', '/apix', '/ap', '/API', '/x/api', '/api%2Fx']],
    [prefix('/api/'), ['/api', '/api/', '/api/x'], ['/apix', '/api.']],
    [prefix('/'), ['/', '/a', '/a/b'], []],
    [glob('/api/*'), ['/api/', '/api/x', '/api/x/y'], ['/api', '/apix', '/x/api/']],
    [glob('/api/**'), ['/api/', '/api/x', '/api/x/y'], ['/api', '/apix']],
    [glob('/*'), ['/', '/a', '/a/b'], []],
    [glob('/*.js'), ['/a.js', '/.js', '/a.min.js'], ['/a/b.js', '/a.js/', '/a.jsx']],
    [glob('/**/*.js'), ['/a.js', '/a/b.js', '/a/b/c.js'], ['/a.js/', '/a/b.css', '/']],
    [glob('/a/*/c'), ['/a/b/c', '/a/%2F/c'], ['/a/c', '/a/b/b/c', '/a/b/c/', '/a/b/cc']],
    [glob('/a/*/'), ['/a/b/', '/a/bb/'], ['/a/b', '/a/', '/a/b/c/']],
    [glob('/a/**/z'), ['/a/z', '/a/b/z', '/a/b/c/z', '/a/z/z'], ['/a/zz', '/az', '/a/z/', '/a', '/z']],
    [glob('/a/**/b/**/c'), ['/a/b/c', '/a/x/b/y/c', '/a/b/b/c/c'], ['/a/c/b', '/a/b', '/a/x/c']],
    [glob('/**/b/*'), ['/b/', '/a/b/c', '/a/b/c/d'], ['/a/b', '/a']],
    [glob('/a*b*c'), ['/abc', '/axbxc', '/abbcc'], ['/acb', '/ab', '/a/bc', '/abcd']],
    [glob('/v*/users'), ['/v/users', '/v1/users', '/v%20/users'], ['/v1/users/', '/v1/2/users']],
    [expression('/users/[0-9]+'), ['/users/1', '/users/12'], ['/users/', '/users/1a', '/users/1/x', '/x/users/1']],
    [expression('(?i)/a|/b'), ['/a', '/A', '/b'], ['/ab', '/ax', '/x/b']],
  ]
  for (const [pattern, matching, others] of rows) {
    const compiled = compilePath(pattern, regex)
    for (const path of matching) assert.ok(compiled.matches(path), `${compiled.text} takes ${path}`)
    for (const path of others) assert.ok(!compiled.matches(path), `${compiled.text} does not take ${path}`)
  }
})

test('gives placeholders what wildcards, groups and prefixes took', () => {
  const rows: readonly (readonly [PathPattern, string, string, readonly string[]])[] = [
    [exact('/a'), '/a', '', []],
    [prefix('/api'), '/api', '', []],
    [prefix('/api/'), '/api/x%20y/', '/x%20y/', []],
    [prefix('/'), '/a', '/a', []],
    [glob('/api/*'), '/api/x/y', 'x/y', ['x/y']],
    [glob('/api/*'), '/api/', '', ['']],
    [glob('/a/*/c'), '/a/b/c', '', ['b']],
    [glob('/a/**/c-*'), '/a/x/c-1/c-2', '', ['x/c-1', '2']],
    [glob('/a/**/z'), '/a/z', '', ['']],
    [glob('/*/**/c-*/z'), '/q/x/c/y/c-1/z', '', ['q', 'x/c/y', '1']],
    [glob('/**/b/*'), '/x/y/b/c/d', 'c/d', ['x/y', 'c/d']],
    [glob('/a-*-*.txt'), '/a-b-c-d.txt', '', ['b', 'c-d']],
    [expression('/u/(?P<id>[0-9]+)(/x)?/(.*)'), '/u/7/q', '', ['7', '', 'q']],
  ]
  for (const [pattern, path, rest, groups] of rows) {
    const compiled = compilePath(pattern, regex)
    assert.ok(compiled.matches(path), `${compiled.text} takes ${path}`)
    const captures = compiled.captures(path)
    assert.deepEqual([captures.rest, captures.groups], [rest, groups], `${compiled.text} on ${path}`)
  }
  const named = compilePath(expression('/(?P<__proto__>a)/(?<id>b)'), regex).captures('/a/b').named
  assert.deepEqual(
    [...named],
    [
      ['__proto__', 'a'],
      ['id', 'b'],
    ],
  )
})

/** The expression that means what a glob means; Node's engine runs it, which backtracks. */
function sourceOf(pattern: string): string {
  const beneath = /\/\*{1,2}$/.test(pattern)
  const segments = pattern.slice(1).split('/')
  if (beneath) segments.pop()
  const parts = segments.map((each) => (each === '**' ? '(?:/[^/]*)*?' : `/${each.replaceAll('*', '[^/]*')}`))
  return `${parts.join('')}${beneath ? '/.*' : ''}`
}

test('a glob matches what the same pattern as a regular expression matches', () => {
  const segment = fc.constantFrom('a', 'b', 'ab', '*', 'a*', '*b', 'a*b', '*a*', '**')
  const patterns = fc.array(segment, { minLength: 1, maxLength: 5 }).map((segments) => `/${segments.join('/')}`)
  const paths = fc.array(fc.constantFrom('a', 'b', 'ab', 'ba', 'aab', ''), { maxLength: 6 }).map((parts) => {
    const filled = parts.filter((part, at) => part !== '' || at === parts.length - 1)
    return `/${filled.join('/')}`
  })
  fc.assert(
    fc.property(
      patterns.filter((pattern) => pattern.includes('*') && pattern.split('**').length < 6),
      paths,
      (pattern, path) => {
        const source = sourceOf(pattern)
        assert.equal(compilePath(glob(pattern), null).matches(path), new RegExp(`^${source}$`).test(path), source)
      },
    ),
    { numRuns: 5_000 },
  )
})

test('says what is wrong with a pattern', () => {
  const rows: readonly (readonly [PathPattern, RegExp])[] = [
    [exact('a'), /must start with "\/"/],
    [prefix('/a//b'), /empty segments/],
    [prefix('/a/../b'), /dot segments/],
    [exact('/a%zz'), /two hex digits/],
    [exact('/a?b=c'), /printable ASCII/],
    [glob('/a'), /has no "\*"; write it as an exact path/],
    [glob('/a**/b'), /must be a whole segment/],
    [glob('/**/a/**/b/**/c/**/d/**/e'), /more than 4 times/],
    [glob(`/${'*a'.repeat(17)}`), /more than 16 stars/],
    [expression('/(a'), /not in RE2's syntax: .*missing closing \)/],
    [expression('/(?=a)'), /not in RE2's syntax/],
    [expression('/(a)\\1'), /not in RE2's syntax/],
    [expression('/([a-z]{30}){30}'), /too large/],
    [expression(`/${'a'.repeat(1_000)}`), /at most 1000/],
  ]
  for (const [pattern, expected] of rows) {
    assert.throws(
      () => compilePath(pattern, regex),
      (error) => error instanceof PatternError && expected.test(error.message),
      JSON.stringify(pattern),
    )
  }
})

test('no pattern takes long for a path that was made for it', () => {
  const mixed = Array.from({ length: 8_000 }, (_, at) => 'abxyz'[(at * at * 7 + (at >> 3)) % 5])
  const paths = [
    `/${'a'.repeat(8_000)}!`,
    `/${'a/'.repeat(4_000)}!`,
    `/${mixed.join('')}`,
    `/${mixed.slice(0, 999).join('')}`,
  ]
  const patterns = [
    ...['/(a+)+$', '/(.*a){25}', '/(a|a)*b', '/(a*)*b', '/(.*)(.*)(.*)(.*)[0-9]', '/.*(a|b).{40}'].map(expression),
    ...[`/${'*a'.repeat(15)}b`, '/**/a*a*a*a*b/**/*a*a*c/**/a/**/x', '/**/*a*a*a*a/b'].map(glob),
  ].map((pattern) => compilePath(pattern, regex))
  for (const pattern of patterns) {
    for (const path of paths) {
      const before = process.cpuUsage()
      pattern.matches(path)
      const tookMs = process.cpuUsage(before).user / 1000
      assert.ok(tookMs < 250, `${pattern.text} took ${tookMs} ms`)
    }
  }
})

test('an expression means the same for a long path as for a short one', () => {
  const pattern = compilePath(expression('/(a|b)+/(?P<end>[0-9]+)'), regex)
  for (const length of [1, 998, 999, 1_000, 5_000]) {
    assert.ok(pattern.matches(`/${'ab'.repeat(length)}/7`))
    assert.ok(!pattern.matches(`/${'ab'.repeat(length)}/7x`))
    assert.equal(pattern.captures(`/${'ab'.repeat(length)}/7`).named.get('end'), '7')
  }
})
