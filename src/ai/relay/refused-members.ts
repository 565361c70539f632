import { GatewayError } from '../../core/index.ts'
import { createScanner, type Edit, type JsonScanner, patchTopLevel } from '../../lib/index.ts'
import type { DialectName } from '../dialects/name.ts'
import type { Losses } from '../ir/losses.ts'

const MAX_DEPTH = 64

/** Members of a body by the parameter that they are, where the dialect calls it otherwise; absent: by its own name. */
const MEMBERS: Partial<Record<DialectName, Readonly<Record<string, readonly string[]>>>> = {
  'openai-chat': {
    max_tokens: ['max_tokens', 'max_completion_tokens'],
    logprobs: ['logprobs', 'top_logprobs'],
    reasoning: ['reasoning_effort', 'reasoning'],
  },
  'openai-completions': {},
  'openai-responses': { max_tokens: ['max_output_tokens'], logprobs: ['top_logprobs'] },
  'anthropic-messages': { stop: ['stop_sequences'], reasoning: ['thinking'] },
}

/**
 * Takes parameters that a model is known to refuse out of bodies that are relayed, or refuses such bodies. Only members at
 * the top level: dialects that keep parameters deeper are relayed as they are.
 */
export class RefusedMembers {
  readonly #names: readonly string[]
  readonly #scanner: JsonScanner
  readonly #rejects: boolean

  private constructor(names: readonly string[], rejects: boolean) {
    this.#names = names
    this.#scanner = createScanner([...names], { maxDepth: MAX_DEPTH })
    this.#rejects = rejects
  }

  /** Null when there is nothing to look for. */
  static of(dialect: DialectName, refuses: ReadonlySet<string>, action: 'leave-out' | 'reject'): RefusedMembers | null {
    const members = MEMBERS[dialect]
    if (members === undefined || refuses.size === 0) return null
    const names = new Set([...refuses].flatMap((name) => members[name] ?? [name]))
    return new RefusedMembers([...names], action === 'reject')
  }

  /** A body that a scan has accepted; every other byte stays. What was taken out is told. */
  apply(body: Buffer, losses: Losses): Buffer | GatewayError {
    const scanned = this.#scanner.scan(body)
    // Only a member given twice under one of these names can be wrong with it now: the upstream will say so.
    if (scanned.kind !== 'object') return body
    const edits: Edit[] = []
    for (const [index, name] of this.#names.entries()) {
      if (!scanned.has(index)) continue
      // `null` asks for nothing.
      const asks = body.toString('latin1', scanned.valueStart(index), scanned.valueEnd(index)) !== 'null'
      if (asks && this.#rejects) return unsupported(name)
      if (asks) losses.drop(name)
      edits.push({ kind: 'remove', index })
    }
    return edits.length === 0 ? body : patchTopLevel(body, scanned, edits)
  }
}

/** The answer to a request with a parameter that its model refuses, where the operator wants it told. */
export function unsupported(param: string): GatewayError {
  return new GatewayError('unsupported_parameter', `The model does not take "${param}": leave it out.`, { param })
}
