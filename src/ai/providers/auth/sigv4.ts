import { createHash, createHmac, type Hash, type Hmac } from 'node:crypto'
import type { SignatureV4 } from '@smithy/signature-v4'
import type { UpstreamRequest } from '../../../core/index.ts'
import type { Authenticator } from './credential-transport.ts'

/** What signs for an account of AWS. */
export interface AwsKeys {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string
}

export interface SigV4Options {
  readonly service: string
  readonly region: string
  /** Where requests go: scheme and host. */
  readonly origin: string
  readonly keys: () => AwsKeys | Promise<AwsKeys>
  readonly now: () => number
  /** What else must be there before the first request goes. */
  readonly prepare?: () => Promise<void>
}

/** Headers that say whose request it is; the others that are signed go with the request as they are. */
const ADDED = ['x-amz-date', 'x-amz-security-token', 'authorization']

/** Signs requests with SigV4 (AWS's "Signature Version 4 signing process"): method, path, query, host and body. */
export class SigV4 implements Authenticator {
  readonly #options: SigV4Options
  readonly #host: string
  #signer: SignatureV4 | null = null

  constructor(options: SigV4Options) {
    this.#options = options
    this.#host = new URL(options.origin).host
  }

  async headers(request: UpstreamRequest): Promise<readonly string[]> {
    const { now } = this.#options
    const signer = await this.#loaded()
    const { path, query } = partsOf(request.path)
    const signed = await signer.sign(
      {
        method: request.method,
        protocol: 'https:',
        hostname: this.#host,
        path,
        query,
        headers: { host: request.host ?? this.#host },
        body: request.body ?? '',
      },
      { signingDate: new Date(now()) },
    )
    return ADDED.flatMap((name) => {
      const value = signed.headers[name]
      return value === undefined ? [] : [name, value]
    })
  }

  /** The signer weighs a few megabytes: only those who sign have it. */
  async #loaded(): Promise<SignatureV4> {
    if (this.#signer !== null) return this.#signer
    const { SignatureV4 } = await import('@smithy/signature-v4')
    await this.#options.prepare?.()
    const { service, region, keys } = this.#options
    const credentials = async () => await keys()
    // The hash of the body is signed in any case; only S3 wants it as a header, too.
    this.#signer = new SignatureV4({ service, region, credentials, sha256: Sha256, applyChecksum: false })
    return this.#signer
  }
}

/** The path as it goes over the wire: the signer encodes it once more, as services other than S3 want it. */
function partsOf(target: string): { path: string; query: Record<string, string | string[]> } {
  const at = target.indexOf('?')
  if (at < 0) return { path: target, query: {} }
  const query: Record<string, string | string[]> = {}
  for (const [name, value] of new URLSearchParams(target.slice(at + 1))) {
    const before = query[name]
    query[name] = before === undefined ? value : [...(typeof before === 'string' ? [before] : before), value]
  }
  return { path: target.slice(0, at), query }
}

/** Node's own SHA-256, in the shape that the signer asks for. */
export class Sha256 {
  readonly #hash: Hash | Hmac

  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.#hash = secret === undefined ? createHash('sha256') : createHmac('sha256', bytesOf(secret))
  }

  update(data: string | ArrayBuffer | ArrayBufferView): void {
    this.#hash.update(bytesOf(data))
  }

  async digest(): Promise<Uint8Array> {
    return this.#hash.digest()
  }

  reset(): void {
    throw new Error('a hash is used once')
  }
}

function bytesOf(data: string | ArrayBuffer | ArrayBufferView): Uint8Array {
  if (typeof data === 'string') return Buffer.from(data)
  return ArrayBuffer.isView(data) ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength) : new Uint8Array(data)
}
