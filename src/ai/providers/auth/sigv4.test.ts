import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SigV4 } from './sigv4.ts'

/** AWS's published "Signature Version 4 test suite": its credentials, date, host and expected signatures. */
const KEYS = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' }
const NOW = Date.UTC(2015, 7, 30, 12, 36, 0)
const SESSION = '6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf194267'

function signer(sessionToken?: string): SigV4 {
  return new SigV4({
    service: 'service',
    region: 'us-east-1',
    origin: 'https://example.amazonaws.com',
    keys: () => ({ ...KEYS, ...(sessionToken === undefined ? {} : { sessionToken }) }),
    now: () => NOW,
  })
}

const VECTORS = [
  ['get-vanilla', 'GET', '/', '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31'],
  ['post-vanilla', 'POST', '/', '5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b'],
  [
    'get-vanilla-query-order-key-case',
    'GET',
    '/?Param2=value2&Param1=value1',
    'b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500',
  ],
  ['post-vanilla-query', 'POST', '/?Param1=value1', '28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11'],
] as const

for (const [name, method, path, signature] of VECTORS) {
  test(`signs ${name} as AWS publishes it`, async () => {
    const headers = await signer().headers({ method, path, headers: [], body: null })
    const scope = 'Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request'
    assert.deepEqual(headers, [
      'x-amz-date',
      '20150830T123600Z',
      'authorization',
      `AWS4-HMAC-SHA256 ${scope}, SignedHeaders=host;x-amz-date, Signature=${signature}`,
    ])
  })
}

test('the token of a session is sent and signed', async () => {
  const headers = await signer(SESSION).headers({ method: 'GET', path: '/', headers: [], body: null })
  assert.equal(headers[headers.indexOf('x-amz-security-token') + 1], SESSION)
  assert.match(headers.at(-1) ?? '', /SignedHeaders=host;x-amz-date;x-amz-security-token, /)
  assert.match(headers.at(-1) ?? '', /Signature=07ec1639c89043aa0e3e2de82b96708f198cceab042d4a97044c66dd9f74e7f8$/)
})

test('another body has another signature', async () => {
  const of = async (text: string) =>
    (await signer().headers({ method: 'POST', path: '/', headers: [], body: Buffer.from(text) })).at(-1)
  assert.notEqual(await of('{"a":1}'), await of('{"a":2}'))
  assert.equal(await of('{"a":1}'), await of('{"a":1}'))
})
