import { hash } from 'node:crypto'
import type { ConfigDocument } from '../../../config/index.ts'
import type { Exchange } from '../../../core/index.ts'
import { principalOf } from '../../../governance/index.ts'
import type { Servers } from '../../conversation/conversation-route.ts'
import { conversationStateOf } from '../../conversation/conversation-state.ts'
import type { ModelTarget } from '../../models/target.ts'

/**
 * What a request or its answer has that only the account can use which made it: sealed reasoning of OpenAI's, containers of both
 * vendors (their references, "Reasoning", "Code interpreter", "Code execution tool", 2026-11).
 */
const BOUND = ['encrypted_content', '"container"', 'code_execution'].map((text) => Buffer.from(text))
/** How clients name what belongs together. */
const SESSION = /"(?:prompt_cache_key|user_id)"\s*:\s*"((?:[^"\\]|\\.)*)"/
const LONGEST = 512

type Weighted = readonly { readonly name: string; readonly weight: number }[]

/**
 * Sends all requests of a session to one of a provider's accounts, where one of them may need what only that account can use of
 * another one's answer. Which it is follows from the session alone, so that every worker knows it without a memory.
 */
export class AccountSessions {
  /** Of the providers that have several. */
  readonly #credentials: ReadonlyMap<string, Weighted>

  constructor({ providers }: ConfigDocument) {
    const several = Object.entries(providers).flatMap(([name, { credentials = [] }]) => {
      const all = credentials.map((each, index) => ({ name: each.name ?? String(index + 1), weight: each.weight }))
      return all.length < 2 ? [] : [[name, all] as const]
    })
    this.#credentials = new Map(several)
  }

  /** The targets whose account is the session's; null: all. */
  readonly servers: Servers = (x) => {
    if (this.#credentials.size === 0) return null
    const dialect = conversationStateOf(x)?.surface.dialect ?? null
    const isBound = x.body !== null && BOUND.some((mark) => x.body?.includes(mark) === true)
    let session: string | null = null
    return ({ target }) => {
      const credentials = this.#credentials.get(target.provider)
      if (credentials === undefined || target.credentials.length > 1) return true
      // Told in its own words, a model of this dialect is always asked for its sealed reasoning.
      if (!isBound && (dialect === null || !isToldInResponses(target, dialect))) return true
      session ??= sessionOf(x)
      return target.credentials.includes(accountOf(session, credentials))
    }
  }
}

function isToldInResponses(target: ModelTarget, dialect: string): boolean {
  if (target.endpointWhere((name) => name === dialect) !== null) return false
  return target.endpointWhere(() => true)?.endpoint.dialect === 'openai-responses'
}

/** Without a name of the client's a session is all that a key asks for. */
function sessionOf(x: Exchange): string {
  const [, named = ''] = x.body === null ? [] : (SESSION.exec(x.body.toString('latin1')) ?? [])
  return `${principalOf(x).id}\n${named.slice(0, LONGEST)}`
}

/** Weighted rendezvous hashing: with another credential only those sessions move that it takes over. */
function accountOf(session: string, credentials: Weighted): string {
  let best = { name: '', score: Number.NEGATIVE_INFINITY }
  for (const { name, weight } of credentials) {
    const drawn = hash('sha256', `${name}\n${session}`, 'buffer').readUInt32BE() + 0.5
    const score = weight / -Math.log(drawn / 2 ** 32)
    if (score > best.score) best = { name, score }
  }
  return best.name
}
