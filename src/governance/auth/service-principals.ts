import { hash } from 'node:crypto'
import type { IdentityConfig } from '../../config/index.ts'
import { type Exchange, GatewayError, resume, WAIT } from '../../core/index.ts'
import type { Authority } from '../authority.ts'
import type { KeyPrincipal } from '../key-principal.ts'
import { addressIdentity } from '../route-limits.ts'
import { type AuthParts, serverUrl } from './auth-parts.ts'
import { KeptAnswers } from './kept-answers.ts'
import { type OutsideRules, outsidePrincipal } from './outside-principal.ts'
import type { PrincipalSource } from './principal-source.ts'
import { readSubject, readVerdict, type ServiceSubject } from './service-answers.ts'
import { ServiceClient } from './service-client.ts'

type ServiceConfig = NonNullable<IdentityConfig['service']>

const MAX_CONNECTIONS = 64
const MAX_KNOWN = 4_096
const MAX_ASKING = 256
/** Of the questions on their way no address has more: who sends keys that nobody knows leaves room for others. */
const MAX_OF_ADDRESS = 64
const MAX_SECRET_CHARS = 4_096
/** The log is told no oftener why the service gives no answer. */
const TOLD_EVERY_MS = 10_000

/** What the service says of a key. */
type Resolved = KeyPrincipal | 'denied' | 'unknown'

/** Holders of keys that another service knows, and what that lets them do. Without its answer nobody is let in. */
export class ServicePrincipals implements PrincipalSource {
  readonly #client: ServiceClient
  readonly #config: ServiceConfig
  readonly #rules: OutsideRules
  readonly #resolved: KeptAnswers<Resolved>
  readonly #verdicts: KeptAnswers<boolean>
  readonly #warn: AuthParts['warn']
  /** Questions about keys that are on their way, by the address that brought them. */
  readonly #asking = new Map<string, number>()
  #toldMs = Number.NEGATIVE_INFINITY

  /** Throws an Error for an address that cannot be. */
  constructor(
    config: ServiceConfig,
    { connect, token, warn }: Pick<AuthParts, 'connect' | 'warn'> & { readonly token: string | null },
    rules: OutsideRules,
  ) {
    const url = serverUrl('identity.service.endpoint', config.endpoint)
    const { timeout: timeoutMs, retries, backoff: backoffMs, cache, cache_unknown: cacheUnknown } = config
    const transport = connect({ origin: url.origin, connectTimeoutMs: timeoutMs, maxConnections: MAX_CONNECTIONS })
    this.#client = new ServiceClient(transport, url.pathname, { timeoutMs, retries, backoffMs, token })
    this.#config = config
    this.#rules = rules
    this.#warn = warn
    const bounds = { most: MAX_KNOWN, mostAsking: MAX_ASKING }
    this.#resolved = new KeptAnswers({
      ...bounds,
      lifetimeMs: (answer) => (typeof answer === 'string' ? cacheUnknown : cache),
      apart: (answer) => typeof answer === 'string',
    })
    this.#verdicts = new KeptAnswers({ ...bounds, lifetimeMs: () => cache })
  }

  identify(x: Exchange, secret: string): ReturnType<PrincipalSource['identify']> {
    if (secret.length > MAX_SECRET_CHARS) return null
    const key = hash('sha256', secret, 'base64')
    const known = this.#resolved.known(key, performance.now())
    if (known !== null && this.#isCurrent(known)) {
      const problem = this.#take(x, known)
      return problem ?? 'identified'
    }
    const address = addressIdentity(x.origin?.address ?? x.client.address ?? '')
    this.#resolved
      .ask(key, async () => await this.#resolveFor(address, secret))
      .then(
        (answer) => resume(x, this.#take(x, answer)),
        (cause: unknown) => resume(x, this.#unavailable(cause)),
      )
    return WAIT
  }

  /** Asks in the name of an address, which has not too many questions on their way. */
  async #resolveFor(address: string, secret: string): Promise<Resolved> {
    const before = this.#asking.get(address) ?? 0
    if (before >= MAX_OF_ADDRESS) throw new Error(`the address ${address} has too many questions on their way`)
    this.#asking.set(address, before + 1)
    try {
      return await this.#resolve(secret)
    } finally {
      const left = (this.#asking.get(address) ?? 0) - 1
      if (left > 0) this.#asking.set(address, left)
      else this.#asking.delete(address)
    }
  }

  /** Who was put among levels that lie elsewhere since must be put there anew. */
  #isCurrent(known: Resolved): boolean {
    return typeof known === 'string' || known.structure === this.#rules.levels.structure
  }

  /** Asks the service whether a principal of it may do something. */
  #authority(subject: ServiceSubject): Authority {
    return {
      authorize: (action, resource) => {
        // In the words of the question: equal ids of two types are two subjects.
        const key = JSON.stringify([subject.subject, subject.tenant, action, resource])
        const known = this.#verdicts.known(key, performance.now())
        if (known !== null) return known ? null : denied(resource)
        return this.#verdicts
          .ask(key, async () => await this.#ask(subject, action, resource))
          .then(
            (allowed) => (allowed ? null : denied(resource)),
            (cause: unknown) => this.#unavailable(cause),
          )
      },
    }
  }

  #take(x: Exchange, answer: Resolved): GatewayError | null {
    if (answer === 'denied') {
      return new GatewayError('external_auth_denied', 'The service that knows this key does not let it be used.')
    }
    if (answer === 'unknown') {
      return new GatewayError('invalid_api_key', 'The API key is not valid. It may be mistyped, expired or revoked.')
    }
    x.principal = answer
    return null
  }

  async #resolve(secret: string): Promise<Resolved> {
    const { status, value } = await this.#client.post('/v1/auth/resolve-api-key', { presented_key: secret })
    if (status === 401 && refusesUs(value)) throw new Error(OWN_TOKEN)
    if (status === 401 || status === 404) return 'unknown'
    if (status === 403) return 'denied'
    const subject = status === 200 ? readSubject(value) : null
    if (subject === null) throw new Error(`the service answered ${status} with nothing that can be used`)
    const principal = outsidePrincipal(
      {
        ...subject,
        id: `service:${subject.name}`,
        scopes: [...this.#config.scopes, ...subject.scopes],
        tags: [],
        models: null,
        expiresAt: null,
      },
      this.#rules,
      this.#config.authorize ? this.#authority(subject) : null,
    )
    return principal ?? 'denied'
  }

  #unavailable(cause: unknown): GatewayError {
    const nowMs = performance.now()
    if (nowMs - this.#toldMs >= TOLD_EVERY_MS) {
      this.#toldMs = nowMs
      const fields = { endpoint: this.#config.endpoint, reason: reasonOf(cause) }
      this.#warn('the service that knows keys gives no answer; who comes with one of its keys is refused', fields)
    }
    const message = 'The service that knows who may do what does not answer; try again soon.'
    return new GatewayError('external_auth_unavailable', message, { retryAfterSeconds: 1, cause })
  }

  async #ask({ tenant, subject }: ServiceSubject, action: string, resource: string): Promise<boolean> {
    const { status, value } = await this.#client.post('/v1/auth/authorize', { tenant, subject, action, resource })
    const verdict = readVerdict(value)
    if (status === 403) return false
    if (status === 401) throw new Error(OWN_TOKEN)
    if (status !== 200 || verdict === null) throw new Error(`the service answered ${status} without a verdict`)
    return verdict.allowed
  }
}

function denied(resource: string): GatewayError {
  return new GatewayError('rbac_denied', `No role of this API key lets it use "${resource.slice(0, 160)}".`)
}

function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause)
  return cause.cause === undefined ? cause.message : `${cause.message}: ${reasonOf(cause.cause)}`
}

const OWN_TOKEN = 'the service refuses this gateway: see that identity.service.token is the one that it asks for'

/** It is this gateway whom the service does not let ask, and not the key that it does not know. */
function refusesUs(value: unknown): boolean {
  const error = typeof value === 'object' && value !== null && 'error' in value ? value.error : null
  return typeof error === 'object' && error !== null && 'code' in error && error.code === 'unauthorized'
}
