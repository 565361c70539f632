import assert from 'node:assert/strict'
import { createHash, createHmac } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { exportPKCS8, generateKeyPair, jwtVerify } from 'jose'
import { serve } from '../request-path/served.ts'
import { makeFolder } from '../request-path/site.ts'
import { type Seen, startVendor, type VendorAnswer } from './vendor.ts'
import { WIRES } from './wire.ts'

const TOKEN_PATH = '/token'
const messages = [{ role: 'user', content: 'Hello!' }]

const json = (value: unknown, status = 200): VendorAnswer => ({ status, body: JSON.stringify(value) })
const tokenAnswer = (token: string) => json({ access_token: token, expires_in: 3_600, token_type: 'Bearer' })

/** A vendor whose models answer in a dialect, and whose other servers answer as `other` says; null: it is for the models. */
async function house(
  t: Parameters<typeof startVendor>[0],
  provider: object,
  other: (request: Seen) => VendorAnswer | Promise<VendorAnswer> | null,
  environment: Record<string, string> = {},
) {
  const vendor = await startVendor(t, async (request) => {
    const said = await other(request)
    if (said !== null) return said
    const wire =
      WIRES[
        request.path.includes('/model/')
          ? 'bedrock-converse'
          : request.path.includes(':generate')
            ? 'gemini'
            : 'openai-chat'
      ]
    return json(wire.whole)
  })
  const served = await serve(
    t,
    { providers: { p: { direct: true, ...provider } } },
    {},
    { connect: vendor.connect, environment },
  )
  const ask = (model = 'p/m', signal?: AbortSignal) =>
    fetch(`${served.edge.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model, messages }),
      ...(signal === undefined ? {} : { signal }),
    })
  return { ask, vendor }
}

async function serviceAccount() {
  const { publicKey, privateKey } = await generateKeyPair('RS256', { extractable: true })
  const file = JSON.stringify({
    type: 'service_account',
    client_email: 'gateway@proj-1.iam.gserviceaccount.com',
    private_key_id: 'kid-1',
    private_key: await exportPKCS8(privateKey),
    token_uri: `https://oauth2.googleapis.com${TOKEN_PATH}`,
  })
  return { file, publicKey }
}

const VERTEX = { kind: 'vertex-ai', project: 'proj-1' }

test('a service account asks for a token by a signed JWT, once for all requests, and sends it', async (t) => {
  const { file, publicKey } = await serviceAccount()
  const folder = makeFolder(t, { 'google.json': file })
  const { ask, vendor } = await house(
    t,
    { ...VERTEX, google: { service_account: `file:${folder}/google.json` } },
    ({ path }) => (path === TOKEN_PATH ? tokenAnswer('google-token-1') : null),
  )
  const answers = await Promise.all([ask('p/gemini-2.5-pro'), ask('p/gemini-2.5-pro'), ask('p/gemini-2.5-pro')])
  assert.deepEqual(
    answers.map(({ status }) => status),
    [200, 200, 200],
  )
  const tokens = vendor.seen.filter(({ path }) => path === TOKEN_PATH)
  assert.equal(tokens.length, 1)
  assert.equal(tokens[0]?.origin, 'https://oauth2.googleapis.com')
  assert.equal(tokens[0]?.headers['content-type'], 'application/x-www-form-urlencoded')
  const form = new URLSearchParams(tokens[0]?.body)
  assert.equal(form.get('grant_type'), 'urn:ietf:params:oauth:grant-type:jwt-bearer')
  const { payload, protectedHeader } = await jwtVerify(form.get('assertion') ?? '', publicKey, {
    issuer: 'gateway@proj-1.iam.gserviceaccount.com',
    audience: 'https://oauth2.googleapis.com/token',
  })
  assert.equal(payload['scope'], 'https://www.googleapis.com/auth/cloud-platform')
  assert.equal((payload.exp ?? 0) - (payload.iat ?? 0), 3_600)
  assert.deepEqual([protectedHeader.alg, protectedHeader.kid], ['RS256', 'kid-1'])
  for (const { path, headers } of vendor.seen.filter((each) => each.path !== TOKEN_PATH)) {
    assert.equal(headers.authorization, 'Bearer google-token-1', path)
  }
})

test('without a credential a machine asks its metadata server', async (t) => {
  const { ask, vendor } = await house(t, VERTEX, ({ origin }) =>
    origin === 'http://169.254.169.254' ? tokenAnswer('machine-token') : null,
  )
  assert.equal((await ask('p/gemini-2.5-pro')).status, 200)
  const [metadata, model] = vendor.seen
  assert.equal(metadata?.path, '/computeMetadata/v1/instance/service-accounts/default/token')
  assert.equal(metadata?.headers['metadata-flavor'], 'Google')
  assert.equal(model?.headers.authorization, 'Bearer machine-token')
})

test('while no token can be had nothing is sent, and the answer says why', async (t) => {
  const { ask, vendor } = await house(t, VERTEX, ({ origin }) =>
    origin === 'http://169.254.169.254'
      ? json({ error: 'invalid_grant', error_description: 'secret-detail' }, 400)
      : null,
  )
  const answer = await ask('p/gemini-2.5-pro')
  const text = await answer.text()
  assert.equal(answer.status, 502)
  assert.match(text, /gave no credential: it answered 400 \(invalid_grant\)/)
  assert.ok(!text.includes('secret-detail'))
  assert.deepEqual(
    vendor.seen.map(({ origin }) => origin),
    ['http://169.254.169.254'],
  )
})

test('a request whose client leaves while a token is fetched is given up', async (t) => {
  const asked = Promise.withResolvers<void>()
  const release = Promise.withResolvers<void>()
  const { ask, vendor } = await house(t, VERTEX, async ({ origin }) => {
    if (origin !== 'http://169.254.169.254') return json(WIRES.gemini.whole)
    asked.resolve()
    await release.promise
    return tokenAnswer('late-token')
  })
  const left = new AbortController()
  const first = ask('p/gemini-2.5-pro', left.signal)
  await asked.promise
  left.abort()
  await assert.rejects(first)
  const second = ask('p/gemini-2.5-flash')
  release.resolve()
  assert.equal((await second).status, 200)
  assert.deepEqual(
    vendor.seen.slice(1).map(({ path }) => path.split('/').at(-1)),
    ['gemini-2.5-flash:generateContent'],
  )
})

test('a token that an upstream quotes in an error is not shown', async (t) => {
  const { ask } = await house(t, VERTEX, ({ origin }) =>
    origin === 'http://169.254.169.254'
      ? tokenAnswer('quoted-token-1')
      : json({ error: { code: 400, message: 'bad token quoted-token-1', status: 'INVALID_ARGUMENT' } }, 400),
  )
  const text = await (await ask('p/gemini-2.5-pro')).text()
  assert.ok(!text.includes('quoted-token-1'), text)
})

const AZURE = { kind: 'azure-openai', base_url: 'https://unit.openai.azure.com' }
const LOGIN = 'https://login.microsoftonline.com'

test('an application of Entra asks with its secret', async (t) => {
  const entra = { tenant: 'tenant-1', client_id: 'app-1', client_secret: '{env.SECRET}' }
  const { ask, vendor } = await house(
    t,
    { ...AZURE, entra },
    ({ origin }) => (origin === LOGIN ? tokenAnswer('entra-token') : null),
    { SECRET: 'app-secret' },
  )
  assert.equal((await ask()).status, 200)
  const [login, model] = vendor.seen
  assert.equal(login?.path, '/tenant-1/oauth2/v2.0/token')
  assert.deepEqual(Object.fromEntries(new URLSearchParams(login?.body)), {
    grant_type: 'client_credentials',
    client_id: 'app-1',
    client_secret: 'app-secret',
    scope: 'https://cognitiveservices.azure.com/.default',
  })
  assert.equal(model?.headers.authorization, 'Bearer entra-token')
  assert.equal(model?.headers['api-key'], undefined)
})

test('a workload identity asks with the token of its platform', async (t) => {
  const folder = makeFolder(t, { token: 'platform-token\n' })
  const entra = { tenant: 'tenant-1', client_id: 'app-1', token_file: `${folder}/token` }
  const { ask, vendor } = await house(t, { ...AZURE, entra }, ({ origin }) =>
    origin === LOGIN ? tokenAnswer('entra-token') : null,
  )
  assert.equal((await ask()).status, 200)
  const form = new URLSearchParams(vendor.seen[0]?.body)
  assert.equal(form.get('client_assertion'), 'platform-token')
  assert.equal(form.get('client_assertion_type'), 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer')
})

test('a managed identity asks the metadata server of its machine', async (t) => {
  const { ask, vendor } = await house(t, { ...AZURE, entra: { client_id: 'identity-1' } }, ({ origin }) =>
    // This server writes the seconds as text.
    origin === 'http://169.254.169.254' ? json({ access_token: 'managed-token', expires_in: '86400' }) : null,
  )
  assert.equal((await ask()).status, 200)
  const [metadata, model] = vendor.seen
  const url = new URL(metadata?.path ?? '', 'http://m')
  assert.equal(url.pathname, '/metadata/identity/oauth2/token')
  assert.deepEqual(Object.fromEntries(url.searchParams), {
    'api-version': '2018-02-01',
    resource: 'https://cognitiveservices.azure.com',
    client_id: 'identity-1',
  })
  assert.equal(metadata?.headers['metadata'], 'true')
  assert.equal(model?.headers.authorization, 'Bearer managed-token')
})

/** What AWS makes of a request's parts, written from its documentation and without the signer. */
function expectedSignature(seen: Seen, secret: string, region: string): string {
  const date = String(seen.headers['x-amz-date'])
  const names = /SignedHeaders=([^,]+)/.exec(String(seen.headers.authorization))?.[1] ?? ''
  const sha = (text: string) => createHash('sha256').update(text).digest('hex')
  const hmac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text).digest()
  const host = new URL(seen.origin).host
  const headers = names.split(';').map((name) => `${name}:${name === 'host' ? host : String(seen.headers[name])}\n`)
  // Segments are encoded twice for all services but S3.
  const path = seen.path
    .split('/')
    .map((segment) => encodeURIComponent(segment))
    .join('/')
  const canonical = [seen.method, path, '', headers.join(''), names, sha(seen.body)].join('\n')
  const scope = `${date.slice(0, 8)}/${region}/bedrock/aws4_request`
  const key = [region, 'bedrock', 'aws4_request'].reduce(hmac, hmac(`AWS4${secret}`, date.slice(0, 8)))
  return hmac(key, ['AWS4-HMAC-SHA256', date, scope, sha(canonical)].join('\n')).toString('hex')
}

const CLAUDE = 'p/eu.anthropic.claude-sonnet-4-5-20250929-v1:0'

test('requests to Bedrock are signed as they go over the wire', async (t) => {
  const aws = { access_key_id: 'AKID1', secret_access_key: '{env.S}', session_token: '{env.T}' }
  const { ask, vendor } = await house(t, { kind: 'bedrock', region: 'eu-west-1', aws }, () => null, {
    S: 'secret-of-aws',
    T: 'session-1',
  })
  assert.equal((await ask(CLAUDE)).status, 200)
  const [seen] = vendor.seen
  assert.ok(seen !== undefined)
  const authorization = String(seen.headers.authorization)
  assert.match(authorization, /^AWS4-HMAC-SHA256 Credential=AKID1\/\d{8}\/eu-west-1\/bedrock\/aws4_request, /)
  assert.match(authorization, /SignedHeaders=host;x-amz-date;x-amz-security-token, /)
  assert.equal(seen.headers['x-amz-security-token'], 'session-1')
  assert.match(authorization, new RegExp(`Signature=${expectedSignature(seen, 'secret-of-aws', 'eu-west-1')}$`))
})

test('keys of AWS come from the environment, or from the role of the machine', async (t) => {
  const environment = { AWS_ACCESS_KEY_ID: 'AKID2', AWS_SECRET_ACCESS_KEY: 'secret-2', AWS_REGION: 'us-west-2' }
  const first = await house(t, { kind: 'bedrock' }, () => null, environment)
  assert.equal((await first.ask(CLAUDE)).status, 200)
  assert.match(String(first.vendor.seen[0]?.headers.authorization), /Credential=AKID2\/\d{8}\/us-west-2\//)

  const role = { AccessKeyId: 'AKID3', SecretAccessKey: 's3', Token: 't3', Expiration: '2999-01-01T00:00:00Z' }
  const second = await house(t, { kind: 'bedrock' }, ({ origin, path, headers }) => {
    if (origin !== 'http://169.254.169.254') return null
    if (path === '/latest/api/token') return { body: 'imds-session' }
    assert.equal(headers['x-aws-ec2-metadata-token'], 'imds-session')
    return path.endsWith('/') ? { body: 'the-role\n' } : json(role)
  })
  assert.equal((await second.ask(CLAUDE)).status, 200)
  assert.deepEqual(
    second.vendor.seen.slice(0, 3).map(({ method, path }) => `${method} ${path}`),
    [
      'PUT /latest/api/token',
      'GET /latest/meta-data/iam/security-credentials/',
      'GET /latest/meta-data/iam/security-credentials/the-role',
    ],
  )
  assert.match(String(second.vendor.seen[3]?.headers.authorization), /Credential=AKID3\//)
})

test('keys of AWS come from a profile that is named, read from the shared files', async (t) => {
  const folder = makeFolder(t, {})
  const file = path.join(folder, 'credentials')
  const sections = ['[default]', 'aws_access_key_id = AKID0', 'aws_secret_access_key = s0', '', '# work', '[ work ]']
  writeFileSync(
    file,
    [...sections, 'aws_access_key_id=AKID4', 'aws_secret_access_key = s4==', '[role]', 'role_arn = x'].join('\n'),
  )
  const environment = { AWS_SHARED_CREDENTIALS_FILE: file, AWS_CONFIG_FILE: path.join(folder, 'none') }
  const { ask, vendor } = await house(t, { kind: 'bedrock' }, () => null, { ...environment, AWS_PROFILE: 'work' })
  assert.equal((await ask(CLAUDE)).status, 200)
  const [seen] = vendor.seen
  assert.ok(seen !== undefined)
  assert.match(String(seen.headers.authorization), /Credential=AKID4\//)
  assert.match(
    String(seen.headers.authorization),
    new RegExp(`Signature=${expectedSignature(seen, 's4==', 'us-east-1')}$`),
  )
  for (const AWS_PROFILE of ['role', 'nobody']) {
    const lacking = await house(t, { kind: 'bedrock' }, () => null, { ...environment, AWS_PROFILE })
    const answer = await lacking.ask(CLAUDE)
    assert.ok(answer.status >= 500, String(answer.status))
    assert.equal(lacking.vendor.seen.length, 0)
  }
})

test('keys of AWS are asked for with the token of a web identity', async (t) => {
  const folder = makeFolder(t, {})
  const AWS_WEB_IDENTITY_TOKEN_FILE = path.join(folder, 'token')
  writeFileSync(AWS_WEB_IDENTITY_TOKEN_FILE, 'platform.token\n')
  const credentials = [
    '<AccessKeyId>AKID5</AccessKeyId>',
    '<SecretAccessKey>s5</SecretAccessKey>',
    '<SessionToken>t5</SessionToken>',
    '<Expiration>2999-01-01T00:00:00Z</Expiration>',
  ].join('')
  const xml = `<AssumeRoleWithWebIdentityResponse><Credentials>${credentials}</Credentials></AssumeRoleWithWebIdentityResponse>`
  const AWS_ROLE_ARN = 'arn:aws:iam::123456789012:role/gateway'
  const environment = { AWS_WEB_IDENTITY_TOKEN_FILE, AWS_ROLE_ARN, AWS_REGION: 'eu-west-1' }
  const { ask, vendor } = await house(
    t,
    { kind: 'bedrock' },
    ({ origin }) => (origin === 'https://sts.eu-west-1.amazonaws.com' ? { body: xml } : null),
    environment,
  )
  assert.equal((await ask(CLAUDE)).status, 200)
  const [asked, seen] = vendor.seen
  const form = new URLSearchParams(asked?.body)
  assert.deepEqual(
    ['Action', 'RoleArn', 'WebIdentityToken', 'RoleSessionName'].map((name) => form.get(name)),
    ['AssumeRoleWithWebIdentity', AWS_ROLE_ARN, 'platform.token', 'ferro-gateway'],
  )
  assert.match(String(seen?.headers.authorization), /Credential=AKID5\//)
  assert.equal(seen?.headers['x-amz-security-token'], 't5')
})

test('several credentials share the requests by their weights, each with its headers, organisation and address', async (t) => {
  const credentials = [
    { api_key: '{env.A}', organization: 'org-a', weight: 3 },
    { api_key: '{env.B}', base_url: 'https://eu.openai.example/v2', headers: { 'x-team': 'blue' } },
  ]
  const { ask, vendor } = await house(t, { kind: 'openai', credentials }, () => null, { A: 'key-a', B: 'key-b' })
  for (let at = 0; at < 100; at++) assert.equal((await ask()).status, 200)
  const usedBy = (key: string) => vendor.seen.filter(({ headers }) => String(headers.authorization).endsWith(key))
  const [byA, byB] = [usedBy('key-a'), usedBy('key-b')]
  // Three quarters, by more than four standard deviations.
  assert.ok(byA.length > 55 && byA.length < 95, `${byA.length} of 100`)
  assert.equal(byA.length + byB.length, 100)
  const [a] = byA
  const [b] = byB
  assert.deepEqual([a?.origin, a?.path], ['https://api.openai.com', '/v1/chat/completions'])
  assert.deepEqual([b?.origin, b?.path], ['https://eu.openai.example', '/v2/chat/completions'])
  assert.deepEqual([a?.headers['openai-organization'], a?.headers['x-team']], ['org-a', undefined])
  assert.deepEqual([b?.headers['openai-organization'], b?.headers['x-team']], [undefined, 'blue'])
})
