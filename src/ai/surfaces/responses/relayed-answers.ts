import type { Exchange } from '../../../core/index.ts'
import { principalOf } from '../../../governance/index.ts'
import { createScanner } from '../../../lib/index.ts'
import type { ContentPort, KeepingLimits } from '../../../storage/index.ts'
import type { ConversationState } from '../../conversation/conversation-state.ts'
import type { ClaimedUsage } from '../../operations/forward/claimed-usage.ts'
import { makerText } from './maker.ts'

const DAY_MS = 86_400_000
/** As long as vendors keep answers (OpenAI: 30 days), and conversations, which they keep for ever, much longer. */
export const ANSWERS_KNOWN_MS = 30 * DAY_MS
export const CONVERSATIONS_KNOWN_MS = 400 * DAY_MS

const MAX_DEPTH = 128
const HINTS = ['"store"', '"background"'].map((text) => Buffer.from(text))
const scanner = createScanner(['store', 'background'], { maxDepth: MAX_DEPTH })

/** The name under which the usage of an answer is claimed. */
export function usageOfAnswer(provider: string, id: string): string {
  return `response ${provider} ${id}`
}

/** Remembers who made the answers that upstreams keep themselves, so that a client may ask for them again. */
export class RelayedAnswers {
  readonly #content: ContentPort
  readonly #usage: ClaimedUsage
  readonly #limits: KeepingLimits

  constructor(content: ContentPort, usage: ClaimedUsage, maxBytes: number) {
    this.#content = content
    this.#usage = usage
    this.#limits = { ttlMs: ANSWERS_KNOWN_MS, maxBytes }
  }

  /**
   * Where the request goes to its upstream as it is, that keeps the answer: who that was, and what the turn used, of the answer and of the
   * vendor's conversation that it is in.
   */
  expect(x: Exchange, state: ConversationState, { background, conversation }: Flags & InConversation): void {
    const model = state.modelRequested
    const tenant = principalOf(x).id
    state.goesOn = background
    state.onAnswerUsed = (id, tokens) => {
      // What is not told yet is not known: a turn that goes on with it is reserved as one whose size nobody knows.
      if (tokens === 0) return
      this.#keepUsed(tenant, id, tokens)
      if (conversation === null) return
      this.#content.remove(tenant, usedName(conversation)).then(
        () => this.#keepUsed(tenant, conversation, tokens),
        () => undefined, // the store does not answer: the size of the turn before stands for this one's
      )
    }
    state.onAnswerId = (id, { provider, credential }) => {
      const text = makerText({ provider, credential, model, background })
      this.#content.keep(tenant, { id, parent: null, items: [], text }, this.#limits)
      if (!background) return
      const thing = usageOfAnswer(provider, id)
      this.#usage.begun(x, thing, { look: { kind: 'response', provider, credential, id, model }, isHeld: true })
      // A stream may tell its end itself.
      if (state.stream) this.#usage.takeFor(x, thing)
    }
  }

  #keepUsed(tenant: string, id: string, tokens: number): void {
    this.#content.keep(tenant, { id: usedName(id), parent: null, items: [], text: `${tokens}` }, this.#limits)
  }
}

/** The vendor's conversation that a request goes on with; null: none. */
interface InConversation {
  readonly conversation: string | null
}

/** The name under which is kept what a turn or a conversation at its vendor had come to. */
export function usedName(id: string): string {
  return `${id} used`
}

/** What that says; null: it is not known. */
export function readUsed(texts: readonly string[] | null): number | null {
  const tokens = Number(texts?.at(-1))
  return Number.isSafeInteger(tokens) && tokens > 0 ? tokens : null
}

/** What a request says of its answer. */
export interface Flags {
  /** Not `store: false`. */
  readonly isKept: boolean
  readonly background: boolean
}

/** Read from the body as the client sent it. */
export function flagsOf(body: Buffer): Flags {
  if (!HINTS.some((hint) => body.includes(hint))) return { isKept: true, background: false }
  const scanned = scanner.scan(body)
  if (scanned.kind !== 'object') return { isKept: true, background: false }
  const first = (index: number) => (scanned.has(index) ? body[scanned.valueStart(index)] : undefined)
  return { isKept: first(0) !== FALSE, background: first(1) === TRUE }
}

const TRUE = 0x74
const FALSE = 0x66
