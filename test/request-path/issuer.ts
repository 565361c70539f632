import type { IncomingMessage, ServerResponse } from 'node:http'
import type { TestContext } from 'node:test'
import { exportJWK, exportSPKI, generateKeyPair, type JWK, type JWTPayload, SignJWT } from 'jose'
import { startHttp, type TestUpstream } from './upstream.ts'

export interface IssuerKey {
  readonly kid: string
  readonly algorithm: string
  readonly publicJwk: JWK
  readonly publicPem: string
  readonly privateKey: CryptoKey
}

/** A key pair whose public half can stand in a key set. */
export async function issuerKey(kid: string, algorithm = 'ES256'): Promise<IssuerKey> {
  const { publicKey, privateKey } = await generateKeyPair(algorithm, { extractable: true })
  const publicJwk = { ...(await exportJWK(publicKey)), kid, alg: algorithm, use: 'sig' }
  return { kid, algorithm, publicJwk, publicPem: await exportSPKI(publicKey), privateKey }
}

export const ISSUER = 'https://issuer.test/'
export const AUDIENCE = 'the-api'

/** Claims of a token that is valid for five minutes; those that are undefined are left out. */
export function claimsOf(differences: Readonly<Record<string, unknown>> = {}): JWTPayload {
  const now = Math.floor(Date.now() / 1_000)
  return { iss: ISSUER, aud: AUDIENCE, sub: 'robot', exp: now + 300, ...differences }
}

/** A token that is signed with the key. */
export async function tokenOf(
  key: IssuerKey,
  claims: JWTPayload = claimsOf(),
  header: Readonly<Record<string, unknown>> = {},
): Promise<string> {
  return await new SignJWT(claims)
    .setProtectedHeader({ alg: key.algorithm, kid: key.kid, ...header })
    .sign(key.privateKey)
}

/** A server that answers with a key set; `serve` takes the place of the answer. */
export interface KeyServer extends TestUpstream {
  readonly url: string
  /** Questions so far. */
  asked: number
  keys: readonly JWK[]
  serve: ((req: IncomingMessage, res: ServerResponse) => void) | null
}

/** Starts one on loopback; ends with the test. */
export async function startKeyServer(t: TestContext, ...keys: readonly IssuerKey[]): Promise<KeyServer> {
  const state: Pick<KeyServer, 'asked' | 'keys' | 'serve'> = {
    asked: 0,
    keys: keys.map(({ publicJwk }) => publicJwk),
    serve: null,
  }
  const server = await startHttp(t, (req, res) => {
    state.asked++
    if (state.serve !== null) return state.serve(req, res)
    res.setHeader('content-type', 'application/json')
    res.end(JSON.stringify({ keys: state.keys }))
  })
  return Object.assign(state, server, { url: `${server.origin}/keys?v=1` })
}
