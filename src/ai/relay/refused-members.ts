import { GatewayError } from '../../core/index.ts'
import { createScanner, type Edit, type JsonScanner, patchTopLevel } from '../../lib/index.ts'
import type { Capabilities } from '../dialects/dialect.ts'
import type { DialectName } from '../dialects/name.ts'
import type { Losses } from '../ir/losses.ts'

const MAX_DEPTH = 64

/**
 * Members of a body by the parameter that they are, where the dialect calls it otherwise; absent: by its own name. A member
 * of a member stands behind a dot.
 */
const MEMBERS: Partial<Record<DialectName, Readonly<Record<string, readonly string[]>>>> = {
  'openai-chat': {
    max_tokens: ['max_tokens', 'max_completion_tokens'],
    logprobs: ['logprobs', 'top_logprobs'],
    reasoning: ['reasoning_effort', 'reasoning'],
  },
  'openai-completions': {},
  'openai-responses': {
    max_tokens: ['max_output_tokens'],
    logprobs: ['top_logprobs'],
    response_format: ['text.format'],
    verbosity: ['text.verbosity'],
  },
  'anthropic-messages': {
    stop: ['stop_sequences'],
    reasoning: ['thinking', 'output_config.effort'],
    response_format: ['output_config.format', 'output_format'],
  },
  gemini: {
    max_tokens: inConfig('maxOutputTokens', 'max_output_tokens'),
    temperature: inConfig('temperature'),
    top_p: inConfig('topP', 'top_p'),
    top_k: inConfig('topK', 'top_k'),
    frequency_penalty: inConfig('frequencyPenalty', 'frequency_penalty'),
    presence_penalty: inConfig('presencePenalty', 'presence_penalty'),
    seed: inConfig('seed'),
    stop: inConfig('stopSequences', 'stop_sequences'),
    n: inConfig('candidateCount', 'candidate_count'),
    logprobs: inConfig('responseLogprobs', 'response_logprobs', 'logprobs'),
    reasoning: inConfig('thinkingConfig', 'thinking_config'),
    response_format: inConfig(
      'responseMimeType',
      'response_mime_type',
      'responseSchema',
      'response_schema',
      'responseJsonSchema',
      'response_json_schema',
    ),
    modalities: inConfig('responseModalities', 'response_modalities'),
    audio: inConfig('speechConfig', 'speech_config'),
    service_tier: ['serviceTier', 'service_tier'],
  },
}

/** Where Gemini's clients put parameters, in both spellings. */
function inConfig(...names: readonly string[]): string[] {
  return names.flatMap((name) => [`generationConfig.${name}`, `generation_config.${name}`])
}

/**
 * What a relay leaves out. That a model cannot think is taken from a catalogue only for vendors who refuse what asks for it;
 * other servers pass it over, or know better.
 */
export function refusedBy({ refuses, reasoning, family }: Capabilities): ReadonlySet<string> {
  return reasoning === 'none' && family !== 'other' ? new Set([...refuses, 'reasoning']) : refuses
}

/** A member at the top level, and those within it that the model refuses; null: all of it. */
interface Refused {
  readonly name: string
  readonly within: RefusedMembers | null
}

/** Takes parameters that a model is known to refuse out of bodies that are relayed, or refuses such bodies. */
export class RefusedMembers {
  readonly #members: readonly Refused[]
  readonly #scanner: JsonScanner
  readonly #rejects: boolean
  /** In front of names that are told. */
  readonly #prefix: string

  private constructor(paths: readonly string[], rejects: boolean, prefix = '') {
    const names = [...new Set(paths.map((path) => path.split('.', 1)[0] ?? path))]
    this.#members = names.map((name) => {
      const inner = paths.filter((path) => path.startsWith(`${name}.`)).map((path) => path.slice(name.length + 1))
      const whole = paths.includes(name)
      return { name, within: whole ? null : new RefusedMembers(inner, rejects, `${prefix}${name}.`) }
    })
    this.#scanner = createScanner(names, { maxDepth: MAX_DEPTH })
    this.#rejects = rejects
    this.#prefix = prefix
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
    for (const [index, { name, within }] of this.#members.entries()) {
      if (!scanned.has(index)) continue
      const value = body.subarray(scanned.valueStart(index), scanned.valueEnd(index))
      if (within !== null) {
        const left = within.apply(value, losses)
        if (left instanceof GatewayError) return left
        if (left !== value) edits.push({ kind: 'set', index, json: left.toString('utf8') })
        continue
      }
      // `null` asks for nothing.
      const asks = value.toString('latin1') !== 'null'
      if (asks && this.#rejects) return unsupported(this.#prefix + name)
      if (asks) losses.drop(this.#prefix + name)
      edits.push({ kind: 'remove', index })
    }
    return edits.length === 0 ? body : patchTopLevel(body, scanned, edits)
  }
}

/** The answer to a request with a parameter that its model refuses, where the operator wants it told. */
export function unsupported(param: string): GatewayError {
  return new GatewayError('unsupported_parameter', `The model does not take "${param}": leave it out.`, { param })
}
