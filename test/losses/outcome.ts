import type { Capabilities } from '../../src/ai/dialects/dialect.ts'
import type { DialectName } from '../../src/ai/dialects/name.ts'
import { CLIENT_DIALECTS, UPSTREAM_DIALECTS } from '../../src/ai/dialects/testing/all-dialects.ts'
import { FieldProblem } from '../../src/ai/ir/fields.ts'
import { Losses } from '../../src/ai/ir/losses.ts'
import type { ModelRequest } from '../../src/ai/ir/request.ts'
import { UNKNOWN } from '../../src/ai/models/capabilities.ts'
import { encodeFor } from '../../src/ai/translate/translation.ts'
import { MARK, MARK_BYTES } from './members.ts'

// Keys of the tables.
export const CLIENTS = Object.keys(CLIENT_DIALECTS) as DialectName[]
export const UPSTREAMS = Object.keys(UPSTREAM_DIALECTS) as DialectName[]

/** A model that a request goes to: who reads its seals, and what it is called, decide about some members. */
export interface Model {
  readonly family: Capabilities['family']
  readonly name: string
}

const OWN: Readonly<Partial<Record<DialectName, readonly Model[]>>> = {
  'openai-chat': [{ family: 'openai', name: 'model-o' }],
  'openai-responses': [{ family: 'openai', name: 'model-o' }],
  'openai-completions': [{ family: 'openai', name: 'model-o' }],
  'anthropic-messages': [{ family: 'anthropic', name: 'model-a' }],
  'bedrock-converse': [{ family: 'anthropic', name: 'model-a' }],
  gemini: [
    { family: 'gemini', name: 'gemini-2.5-flash' },
    { family: 'gemini', name: 'gemini-3-pro' },
  ],
}

/** The vendor's own models, and one of somebody else's behind the same dialect. */
export function modelsOf(upstream: DialectName): readonly Model[] {
  return [...(OWN[upstream] ?? []), { family: 'other', name: 'model-x' }]
}

/** What a request came to; null: it was refused, which is no silence. */
export interface Outcome {
  readonly body: string
  readonly dropped: readonly string[]
  readonly adapted: readonly string[]
}

export function outcomeOf(request: ModelRequest, upstream: DialectName, { family, name }: Model): Outcome | null {
  const dialect = UPSTREAM_DIALECTS[upstream]
  if (dialect === undefined) throw new Error(`no upstream speaks ${upstream}`)
  const losses = new Losses()
  const capabilities = { ...UNKNOWN, family }
  try {
    if (request.dialect !== upstream) CLIENT_DIALECTS[request.dialect]?.checkTranslation?.(request)
    const target = { dialect, model: name, habits: undefined, capabilities, patch: null } as const
    const { body } = encodeFor({ ...target, onUnsupported: 'warn', onLoss: 'allow' }, request, losses)
    return { body, dropped: losses.dropped, adapted: losses.adapted }
  } catch (error) {
    if (error instanceof FieldProblem) return null
    throw error
  }
}

export function isMarked(text: string): boolean {
  return text.includes(MARK) || text.includes(MARK_BYTES)
}

export interface Compared {
  readonly plain: Outcome | null
  readonly marked: Outcome | null
  /** It is a text that can be found again. */
  readonly textual: boolean
  /** How the thing that it belongs to is reported when all of it is dropped. */
  readonly wholes: readonly string[]
}

/**
 * Whether what stands in one request and not in the other was lost without a word: it neither reached the body nor is it in the
 * report. A value without a text of its own must change the body, or be reported.
 */
export function isSilent({ plain, marked, textual, wholes }: Compared): boolean {
  if (plain === null || marked === null) return false
  if (wholes.some((name) => marked.dropped.includes(name))) return false
  const isNew = (name: string) => !plain.dropped.includes(name)
  if (marked.dropped.some(isNew)) return false
  if (textual) return !isMarked(marked.body)
  return marked.body === plain.body && marked.adapted.every((name) => plain.adapted.includes(name))
}
