import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compileEgressPolicy, type EgressPolicy, type EgressRule, type NamedBy } from './egress-policy.ts'
import { canonicalHost } from './ip-address.ts'

const AGAINST = compileEgressPolicy()

/** The verdict on a host that is, or resolves to, an address. */
function decide(policy: EgressPolicy, namedBy: NamedBy, host: string, address: string, port = 443): string {
  const target = { host: canonicalHost(host) ?? assert.fail(host), port, namedBy }
  const { allowed, rule } = policy.vetHost(target) ?? policy.vetAddress(target, address)
  return `${allowed ? 'allow' : 'refuse'} ${rule}`
}

test('a host that somebody else named may only be a public one', () => {
  const rows: readonly (readonly [host: string, address: string, expected: string])[] = [
    ['hooks.example.com', '93.184.215.14', 'allow default:public'],
    ['8.8.8.8', '8.8.8.8', 'allow default:public'],
    ['64:ff9b::808:808', '64:ff9b::808:808', 'allow default:public'],
    ['hooks.example.com', '10.0.0.1', 'refuse default:private'],
    ['127.1', '127.0.0.1', 'refuse default:loopback'],
    ['hooks.example.com', '169.254.169.254', 'refuse default:metadata'],
    ['hooks.example.com', 'fe80::1', 'refuse default:link-local'],
    ['hooks.example.com', '0.0.0.0', 'refuse default:reserved'],
    ['hooks.example.com', '224.0.0.1', 'refuse default:multicast'],
    ['localhost.', '93.184.215.14', 'refuse default:internal-name'],
    ['a.localhost', '93.184.215.14', 'refuse default:internal-name'],
    ['metadata.google.internal', '93.184.215.14', 'refuse default:internal-name'],
    ['printer.local', '93.184.215.14', 'refuse default:internal-name'],
    ['redis', '93.184.215.14', 'refuse default:internal-name'],
    ['mylocalhost.com', '93.184.215.14', 'allow default:public'],
  ]
  for (const [host, address, expected] of rows) assert.equal(decide(AGAINST, 'other', host, address), expected, host)
  for (const port of [22, 25, 6379, 5432, 8080]) {
    assert.equal(decide(AGAINST, 'other', 'example.com', '8.8.8.8', port), 'refuse default:port')
  }
})

test('a host that the operator named may be anywhere, but becomes no metadata service by its name', () => {
  const rows: readonly (readonly [host: string, address: string, expected: string])[] = [
    ['api.example.com', '93.184.215.14', 'allow operator:named'],
    ['redis', '10.0.0.1', 'allow operator:named'],
    ['localhost', '127.0.0.1', 'allow operator:named'],
    ['169.254.7.7', '169.254.7.7', 'allow operator:named'],
    ['api.example.com', '169.254.169.254', 'refuse operator:metadata'],
    ['api.example.com', 'fd00:ec2::254', 'refuse operator:metadata'],
    ['api.example.com', '100.100.100.200', 'refuse operator:metadata'],
    ['api.example.com', '::ffff:169.254.169.254', 'refuse operator:metadata'],
    ['169.254.169.254', '169.254.169.254', 'allow operator:address'],
  ]
  for (const [host, address, expected] of rows) {
    assert.equal(decide(AGAINST, 'operator', host, address, 6379), expected, `${host} ${address}`)
  }
})

test('the first rule that matches decides, by address, name, port and who named it', () => {
  const policy = compileEgressPolicy([
    { id: 'never', action: 'refuse', addresses: ['10.0.9.0/24'] },
    { id: 'bad-host', action: 'refuse', hosts: ['evil.example.com'] },
    { id: 'lab', action: 'allow', addresses: ['10.0.0.0/16', 'fd12::/16'], ports: [8080, [9000, 9100]] },
    { id: 'hooks', action: 'allow', hosts: ['*.example.com'], namedBy: 'other' },
  ])
  const rows: readonly (readonly [NamedBy, string, string, number, string])[] = [
    ['other', '10.0.9.1', '10.0.9.1', 8080, 'refuse never'],
    ['operator', 'name.test', '10.0.9.1', 8080, 'refuse never'],
    ['other', 'evil.example.com', '8.8.8.8', 443, 'refuse bad-host'],
    ['operator', 'evil.example.com', '8.8.8.8', 443, 'refuse bad-host'],
    ['other', 'name.test', '10.0.1.1', 8080, 'allow lab'],
    ['other', '::ffff:10.0.1.1', '::ffff:10.0.1.1', 9100, 'allow lab'],
    ['other', 'fd12::1', 'fd12::1', 9000, 'allow lab'],
    ['other', 'fd12::1', 'fd12::1', 9101, 'refuse default:port'],
    ['other', '10.1.0.0', '10.1.0.0', 443, 'refuse default:private'],
    ['other', 'a.b.example.com', '192.168.1.1', 25, 'allow hooks'],
    ['other', 'example.com', '192.168.1.1', 443, 'refuse default:private'],
    ['other', 'notexample.com', '192.168.1.1', 443, 'refuse default:private'],
    ['operator', 'a.example.com', '192.168.1.1', 25, 'allow operator:named'],
  ]
  for (const [namedBy, host, address, port, expected] of rows) {
    assert.equal(decide(policy, namedBy, host, address, port), expected, `${host} ${address} ${port}`)
  }
})

test('only its own address opens a metadata service', () => {
  const wide: readonly EgressRule[] = [
    { id: 'all', action: 'allow', addresses: ['0.0.0.0/0', '::/0'] },
    { id: 'by-name', action: 'allow', hosts: ['metadata.google.internal'] },
  ]
  assert.equal(
    decide(compileEgressPolicy(wide), 'other', 'metadata.google.internal', '169.254.169.254', 80),
    'refuse default:internal-name',
  )
  assert.equal(decide(compileEgressPolicy(wide), 'other', '1.1.1.1', '169.254.169.254'), 'refuse default:metadata')
  const own = compileEgressPolicy([{ id: 'own', action: 'allow', addresses: ['169.254.169.254'] }])
  assert.equal(decide(own, 'other', '169.254.169.254', '169.254.169.254', 80), 'allow own')
  assert.equal(decide(own, 'operator', 'name.test', '169.254.169.254', 80), 'allow own')
})

test('a rule that cannot be understood is told with its id and the part', () => {
  const rows: readonly (readonly [Partial<EgressRule>, RegExp])[] = [
    [{ addresses: ['10.0.0.1/8'] }, /Egress rule "r": "10\.0\.0\.1\/8" is no range/],
    [{ hosts: ['a.*.b'] }, /Egress rule "r": "a\.\*\.b" is no host/],
    [{ hosts: [''] }, /is no host/],
    [{ ports: [0] }, /0-0 are no ports/],
    [{ ports: [[9, 8]] }, /9-8 are no ports/],
  ]
  for (const [parts, expected] of rows) {
    assert.throws(() => compileEgressPolicy([{ id: 'r', action: 'allow', ...parts }]), expected)
  }
})
