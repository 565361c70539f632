import type { Edit, ScannedObject } from '../../lib/index.ts'
import { FIELD } from '../conversation/fields.ts'
import type { Capabilities, UpstreamHabits } from '../dialects/dialect.ts'
import type { Endpoint } from '../providers/endpoint.ts'
import { withoutDeveloperRole } from './developer-role.ts'

/** The vendor's reasoning models, which refuse `max_tokens` (API reference, "Create chat completion", 2026-11). */
const REASONING_MODELS = /^(?:o\d|gpt-(?:[5-9]|\d\d))/i

/** What a relay of chat completions must spell as its model knows it. */
export class ChatHabits {
  /** `max_tokens` goes out under its newer name. */
  readonly #renamesLimit: boolean
  /** It tells a developer's instructions from the system's. */
  readonly #knowsDeveloper: boolean

  private constructor(model: string, { family, reasoning }: Capabilities, habits: UpstreamHabits | null) {
    const vendor = family === 'openai'
    const reasons = REASONING_MODELS.test(model) || (reasoning !== null && reasoning !== 'none')
    this.#renamesLimit = vendor && reasons
    this.#knowsDeveloper = habits?.developerRole ?? vendor
  }

  /** Null for endpoints of other dialects. `model`: as its vendor calls it. */
  static of({ dialect, habits }: Endpoint, model: string, capabilities: Capabilities): ChatHabits | null {
    return dialect === 'openai-chat' ? new ChatHabits(model, capabilities, habits) : null
  }

  /** Adds what must change in a body of this scan. */
  addEdits(edits: Edit[], body: Buffer, scanned: ScannedObject): void {
    if (this.#renamesLimit && scanned.has(FIELD.maxTokens)) {
      edits.push({ kind: 'remove', index: FIELD.maxTokens })
      // What the client says under the newer name counts: the vendor refuses both at once.
      if (!scanned.has(FIELD.otherMaxTokens)) {
        const json = body.toString('latin1', scanned.valueStart(FIELD.maxTokens), scanned.valueEnd(FIELD.maxTokens))
        edits.push({ kind: 'set', index: FIELD.otherMaxTokens, json })
      }
    }
    if (this.#knowsDeveloper) return
    const messages = body.subarray(scanned.valueStart(FIELD.content), scanned.valueEnd(FIELD.content))
    const changed = withoutDeveloperRole(messages)
    if (changed !== null) edits.push({ kind: 'set', index: FIELD.content, json: changed.toString('utf8') })
  }
}
