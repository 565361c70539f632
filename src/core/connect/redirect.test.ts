import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compileEgressPolicy } from './egress-policy.ts'
import { type Redirect, type RedirectVerdict, vetRedirect, vetUrl } from './redirect.ts'

const POLICY = compileEgressPolicy([{ id: 'lab', action: 'allow', hosts: ['lab.internal'], ports: [8080] }])
const HEADERS = ['Authorization', 'Bearer x', 'Cookie', 'a=b', 'X-Api-Key', 'k', 'Accept', '*/*', 'Content-Type', 'a/b']

function redirect(parts: Partial<Redirect> & { at?: string } = {}): RedirectVerdict {
  const from = vetUrl(parts.at ?? 'https://one.example.com/a/b', 'operator', POLICY)
  assert.ok(typeof from === 'object')
  return vetRedirect({ from, status: 302, location: '/c', hops: 0, method: 'GET', headers: HEADERS, ...parts }, POLICY)
}

const summary = (verdict: RedirectVerdict) =>
  verdict.type === 'refuse' ? verdict.rule : `${verdict.method} ${verdict.body} ${verdict.to.url.href}`

test('follows within the origin with everything, and keeps who named the host', () => {
  const verdict = redirect({ location: '../c?d' })
  assert.ok(verdict.type === 'follow')
  assert.equal(verdict.to.url.href, 'https://one.example.com/c?d')
  assert.deepEqual(verdict.headers, HEADERS)
  assert.deepEqual(verdict.to.target, { host: 'one.example.com', port: 443, namedBy: 'operator' })
})

test('another origin hears nothing that could be a secret, and was not named by the operator', () => {
  for (const location of ['https://two.example.com/', '//two.example.com/', 'https://one.example.com:80/']) {
    const verdict = redirect({ location })
    assert.ok(verdict.type === 'follow', location)
    assert.deepEqual(verdict.headers, ['Accept', '*/*', 'Content-Type', 'a/b'])
    assert.equal(verdict.to.target.namedBy, 'other')
  }
})

test('refuses hops that lead inside, elsewhere than the web, or nowhere', () => {
  const rows: readonly (readonly [Partial<Redirect> & { at?: string }, string])[] = [
    [{ location: 'https://127.0.0.1:22/' }, 'default:port'],
    [{ location: 'https://10.0.0.1/' }, 'default:private'],
    [{ location: 'https://localhost/' }, 'default:internal-name'],
    [{ location: 'http://two.example.com/' }, 'redirect:downgrade'],
    [{ location: 'file:///etc/passwd' }, 'url:scheme'],
    [{ location: 'gopher://x.example.com/' }, 'url:scheme'],
    [{ location: 'data:text/plain,x' }, 'url:scheme'],
    [{ location: 'unix:/run/x.sock' }, 'url:scheme'],
    [{ location: 'https://user:pass@two.example.com/' }, 'url:credentials'],
    [{ location: '//user@two.example.com/' }, 'url:credentials'],
    [{ location: 'https:\\\\two.example.com/' }, 'url:malformed'],
    [{ location: '/\\two.example.com/' }, 'url:malformed'],
    [{ location: '/\t/two.example.com/' }, 'url:malformed'],
    [{ location: 'https://ｔwo.example.com/' }, 'url:malformed'],
    [{ location: '' }, 'url:malformed'],
    [{ location: null }, 'redirect:none'],
    [{ status: 304 }, 'redirect:none'],
    [{ hops: 3 }, 'redirect:too-many'],
  ]
  for (const [parts, expected] of rows) assert.equal(summary(redirect(parts)), expected, JSON.stringify(parts))
  assert.match(summary(redirect({ hops: 2 })), /^GET keep/)
})

test('methods and bodies change as the status says', () => {
  const rows: readonly (readonly [number, string, string])[] = [
    [301, 'POST', 'GET drop'],
    [302, 'POST', 'GET drop'],
    [302, 'PUT', 'PUT keep'],
    [303, 'PUT', 'GET drop'],
    [303, 'HEAD', 'HEAD drop'],
    [307, 'POST', 'POST keep'],
    [308, 'DELETE', 'DELETE keep'],
  ]
  for (const [status, method, expected] of rows) {
    const verdict = redirect({ status, method })
    assert.equal(summary(verdict), `${expected} https://one.example.com/c`, `${status} ${method}`)
    const { headers } = verdict as Extract<RedirectVerdict, { type: 'follow' }>
    assert.equal(headers.includes('Content-Type'), expected.endsWith('keep'))
  }
})

test('reads a URL that a stranger wrote in one way only', () => {
  const rows: readonly (readonly [string, string])[] = [
    ['https://hooks.example.com/a', 'hooks.example.com:443'],
    ['HTTP://Hooks.Example.COM.:80/', 'hooks.example.com:80'],
    ['http://lab.internal:8080/', 'lab.internal:8080'],
    ['http://0x7f.1/', 'default:loopback'],
    ['http://134744072/', '8.8.8.8:80'],
    ['http://[::ffff:127.0.0.1]/', 'default:loopback'],
    ['http://lab.internal/', 'default:internal-name'],
    ['https://hooks.example.com:6379/', 'default:port'],
    ['https:hooks.example.com', 'url:malformed'],
    ['https:///hooks.example.com', 'url:malformed'],
    ['hooks.example.com', 'url:malformed'],
    ['https://a b/', 'url:malformed'],
    ['https://a\n.example.com/', 'url:malformed'],
    ['https://%61.example.com@b.example.com/', 'url:credentials'],
    ['https://пример.example/', 'url:malformed'],
    ['ftp://hooks.example.com/', 'url:scheme'],
    ['javascript:alert(1)', 'url:scheme'],
  ]
  for (const [text, expected] of rows) {
    const vetted = vetUrl(text, 'other', POLICY)
    assert.equal(typeof vetted === 'string' ? vetted : `${vetted.target.host}:${vetted.target.port}`, expected, text)
  }
})
