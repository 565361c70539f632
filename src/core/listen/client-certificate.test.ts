import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { test } from 'node:test'
import { type CertificateParts, createAuthority } from '../../../test/harness/certificate.ts'
import { compileCertificateRule } from '../match/certificate-match.ts'
import { describeCertificate } from './client-certificate.ts'

const authority = createAuthority()
const read = (parts: CertificateParts) => describeCertificate(new X509Certificate(authority.issue(parts).cert))

test('a subject is one line in which no value can look like another attribute, and its values are read as they are meant', () => {
  const { subject, attributes } = read({
    names: [],
    subject: [
      ['O', 'Example, Inc.'],
      ['OU', 'a\nCN=root'],
      ['OU', 'b + CN=root'],
      ['OU', '#"quoted" \\ <x>; '],
      ['CN', 'Zoë'],
    ],
  })
  assert.deepEqual(attributes, [
    ['O', 'Example, Inc.'],
    ['OU', 'a\nCN=root'],
    ['OU', 'b + CN=root'],
    ['OU', '#"quoted" \\ <x>; '],
    ['CN', 'Zoë'],
  ])
  assert.match(subject, /^[ -~]*$/)
  assert.equal(subject.split(/(?<!\\),/).length, 5, subject)
  assert.match(subject, /,CN=Zo\\C3\\AB$/)
})

test('alternative names are told with their kind, and what is written to look like two is one', () => {
  const { names } = read({
    names: ['A.Example', '192.0.2.1', 'URI:spiffe://example/a, DNS:root.example', 'email:a@b.example'],
  })
  assert.deepEqual(names, [
    'DNS:a.example',
    'IP:192.0.2.1',
    'URI:spiffe://example/a, DNS:root.example',
    'email:a@b.example',
  ])
  assert.deepEqual(read({ names: [] }).names, [])
})

test('a rule takes a certificate that has all it asks for, and nobody without one', () => {
  const ada = read({
    names: ['ada.example', 'URI:spiffe://example/people/ada'],
    subject: [
      ['O', 'Example'],
      ['OU', 'one'],
      ['OU', 'two'],
      ['CN', 'ada'],
    ],
  })
  const rows: readonly (readonly [rule: Parameters<typeof compileCertificateRule>[0], matches: boolean])[] = [
    [{}, true],
    [{ subject: { CN: ['ada'] } }, true],
    [{ subject: { CN: ['grace', 'ada'], O: ['Ex*'] } }, true],
    [{ subject: { OU: ['two'] } }, true],
    [{ subject: { CN: ['Ada'] } }, false],
    [{ subject: { CN: ['ada'], O: ['Other'] } }, false],
    [{ subject: { L: ['*'] } }, false],
    [{ names: ['DNS:ADA.example'] }, true],
    [{ names: ['URI:spiffe://example/people/*'] }, true],
    [{ names: ['DNS:spiffe*', 'email:*'] }, false],
    [{ names: ['DNS:ada.example'], subject: { CN: ['grace'] } }, false],
    [{ fingerprint: [ada.fingerprint.toUpperCase().replaceAll(/..(?!$)/g, '$&:')] }, true],
    [{ fingerprint: ['0'.repeat(64)] }, false],
  ]
  for (const [rule, matches] of rows) {
    assert.equal(compileCertificateRule(rule)(ada), matches, JSON.stringify(rule))
    assert.equal(compileCertificateRule(rule)(null), false)
  }
  for (const rule of [{ names: ['ada.example'] }, { fingerprint: ['abc'] }, { subject: { CN: ['a**b'] } }]) {
    assert.throws(() => compileCertificateRule(rule), /write|hexadecimal/)
  }
})
