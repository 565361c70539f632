import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { PATH_SPELLINGS, REFUSED } from '../../../test/request-path/path-spellings.ts'
import { GatewayError } from '../errors.ts'
import { canonicalPath, canonicalRewrite, decodedReading, type PathRules } from './canonical-path.ts'
import { compilePath } from './path-pattern.ts'

const REFUSING: PathRules = { segments: 'refuse', encodedSlash: 'refuse' }
const STRICT: PathRules = { segments: 'refuse', encodedSlash: 'allow' }
const MENDING: PathRules = { segments: 'normalise', encodedSlash: 'allow' }
const EVERY_RULE: readonly PathRules[] = [STRICT, MENDING, REFUSING, { segments: 'normalise', encodedSlash: 'refuse' }]

const canonical = (path: string, rules: PathRules) => {
  const result = canonicalPath(path, rules)
  return result instanceof GatewayError ? REFUSED : result
}

/** Paths of the pieces that go wrong somewhere. */
const anyTarget = fc
  .array(
    fc.constantFrom(
      ...['/', '//', '.', '..', '%2e', '%2E', '%2f', '%2F', '%5c', '\\', ';', '%3b', '%00', '%25', '%', '%6', '%zz'],
      ...[
        'admin',
        '%61dmin',
        'api',
        'a',
        'A',
        '%41',
        '%40',
        '@',
        '%C3%A4',
        '%c0%ae',
        '%ff',
        '|',
        '%7c',
        '~',
        '%7e',
        ' ',
      ],
    ),
    { maxLength: 10 },
  )
  .map((pieces) => `/${pieces.join('')}`)

test('a semicolon and an encoded percent sign stand where they are allowed, and mean no other path when they are read twice', () => {
  const rules: PathRules = { segments: 'refuse', encodedSlash: 'allow', marks: 'allow' }
  const rows = [
    ['/a;b', '/a;b'],
    ['/a;v=1/b;c', '/a;v=1/b;c'],
    ['/wiki/100%25', '/wiki/100%25'],
    ['/100%25/x', '/100%25/x'],
    ['/a;%78', '/a;x'],
    ['/..;/b', REFUSED],
    ['/a/.;x/b', REFUSED],
    ['/a/;x', REFUSED],
    ['/a%2F..;/b', REFUSED],
    ['/a%3Bb', REFUSED],
    ['/a%252Fb', REFUSED],
    ['/a%25%32%46b', REFUSED],
    ['/a%25%2541', REFUSED],
  ] as const
  for (const [path, expected] of rows) {
    assert.equal(canonical(path, rules), expected, path)
    assert.equal(canonical(path, REFUSING), REFUSED, path)
  }
})

test('every spelling of a protected path has its canonical form, or is refused', () => {
  assert.ok(PATH_SPELLINGS.length >= 60)
  for (const [spelling, strict, mending] of PATH_SPELLINGS) {
    assert.equal(canonical(spelling, STRICT), strict, `${spelling}, refusing`)
    assert.equal(canonical(spelling, MENDING), mending, `${spelling}, normalising`)
  }
})

test('leaves an ordinary path as it is', () => {
  const paths = [
    '/',
    '/a',
    '/a/',
    '/a.b/.c/..d/...',
    '/.well-known/x',
    "/a:b@c+d~e/!$&'()*,=",
    '/%C3%A4',
    '/a%20b',
    '/a-_',
  ]
  for (const path of paths) for (const rules of EVERY_RULE) assert.equal(canonical(path, rules), path)
})

test('writes an encoding in one form only', () => {
  const rows = [
    ['/%61%2D%2e%5f%7E', '/a-._~'],
    ['/%c3%a4%2c', '/%C3%A4%2C'],
    ['/a|b<c>"d"^`{e}[f]', '/a%7Cb%3Cc%3E%22d%22%5E%60%7Be%7D%5Bf%5D'],
    ['/a%7cb', '/a%7Cb'],
    ['/%40%2B', '/%40%2B'],
    ['/a%3Fb%23c', '/a%3Fb%23c'],
  ] as const
  for (const [path, expected] of rows) for (const rules of EVERY_RULE) assert.equal(canonical(path, rules), expected)
})

test('an encoded slash is kept where it is allowed, and hides no empty or dot segment', () => {
  assert.equal(canonical('/a%2fb', STRICT), '/a%2Fb')
  assert.equal(canonical('/a%2f', STRICT), '/a%2F')
  assert.equal(canonical('/a%2fb', REFUSING), REFUSED)
  for (const path of [
    '/%2fa',
    '/a%2f/b',
    '/a/%2fb',
    '/a%2f%2fb',
    '/a%2f..',
    '/a%2f../b',
    '/..%2fb',
    '/a%2f.',
    '/.%2fb',
  ]) {
    for (const rules of EVERY_RULE) assert.equal(canonical(path, rules), REFUSED, path)
  }
})

test('resolves segments as a URL parser does, except above the root', () => {
  const piece = fc.constantFrom('/', '/', '.', '..', 'a', 'b', '...', '.a')
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      const path = `/${pieces.join('')}`
      const result = canonical(path, MENDING)
      const merged = path.replaceAll(/\/{2,}/g, '/')
      if (result !== REFUSED) assert.equal(result, new URL(`http://localhost${merged}`).pathname, path)
      else assert.match(path, /\/\.\.(?:\/|$)/)
    }),
    { numRuns: 3_000 },
  )
  assert.equal(canonical('/a/../../b', MENDING), REFUSED)
})

test('making a canonical path canonical changes nothing', () => {
  fc.assert(
    fc.property(anyTarget, fc.constantFrom(...EVERY_RULE), (path, rules) => {
      const once = canonical(path, rules)
      if (once === REFUSED) return
      for (const again of EVERY_RULE) {
        if (again.encodedSlash === 'allow' || !once.includes('%2F')) assert.equal(canonical(once, again), once, path)
      }
    }),
    { numRuns: 5_000 },
  )
})

test('what is refused by default is what normalising would change, or refuses too', () => {
  fc.assert(
    fc.property(anyTarget, (path) => {
      const strict = canonical(path, STRICT)
      if (strict !== REFUSED) assert.equal(canonical(path, MENDING), strict)
    }),
    { numRuns: 3_000 },
  )
})

test('gives the reading of a server that decodes reserved characters', () => {
  const rows = [
    ['/a', null],
    ['/a%20b%C3%A4', null],
    ['/a%40b', '/a@b'],
    ['/a%2Fb%2Bc', '/a/b+c'],
    ['/a%3Fb', null],
  ] as const
  for (const [path, expected] of rows) assert.equal(decodedReading(path), expected)
})

test('a rewritten path is looked at as if it had just come in', () => {
  const denied = compilePath({ kind: 'prefix', path: '/admin' }, null)
  const rewrite = (path: string, rules: PathRules = REFUSING) => {
    const result = canonicalRewrite(path, rules, (made) => denied.matches(made))
    return result instanceof GatewayError ? result.code : result
  }
  const mending: PathRules = { segments: 'normalise', encodedSlash: 'refuse' }
  // What is left of `/api…` when `/api` is taken off.
  assert.equal(rewrite('/users'), '/users')
  assert.equal(rewrite('../admin'), 'invalid_target')
  assert.equal(rewrite('%2e%2e/admin'), 'invalid_target')
  assert.equal(rewrite('//admin'), 'invalid_target')
  assert.equal(rewrite('//admin', mending), 'not_found')
  assert.equal(rewrite('/x/../admin/keys', mending), 'not_found')
  assert.equal(rewrite('/%61dmin'), 'not_found')
  assert.equal(rewrite('/admin%2Fkeys', STRICT), 'not_found')
  assert.equal(rewrite('/administrators'), '/administrators')
  assert.equal(canonicalRewrite('/admin', REFUSING, null), '/admin')
})

test('takes no longer than the path is long', () => {
  const long = ['a', '/a', '%41', '%2F', '../', './', '/', '%zz', 'a;', '|', '.', '/.a'].map(
    (piece) => `/${piece.repeat(4_000)}`,
  )
  const before = process.cpuUsage()
  for (const path of long) for (const rules of EVERY_RULE) canonicalPath(path, rules)
  assert.ok(process.cpuUsage(before).user < 500_000)
})
