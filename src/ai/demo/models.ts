import type { Prices } from '../models/price.ts'

/** What a model of the demo provider does, besides answering. */
export type DemoBehaviour =
  | { readonly kind: 'chat'; readonly paceMs: number; readonly tools: 'when-asked' | 'always' }
  | { readonly kind: 'long'; readonly words: number }
  | { readonly kind: 'error'; readonly status: number }
  | { readonly kind: 'fault'; readonly fault: DemoFault }
  /** No model for conversations. */
  | { readonly kind: 'embedding' | 'moderation' }

export type DemoFault = 'hang' | 'reset' | 'cut' | 'stall' | 'error-event' | 'bad-json' | 'no-usage'

/** A model of the demo provider, for lists and help. */
export interface DemoModel {
  readonly id: string
  readonly description: string
  /** Nano-dollars per million tokens; made up, so that cost can be seen. */
  readonly prices: Prices
  /** Most tokens of one answer. */
  readonly maxOutputTokens: number
}

const MAX_PACE_MS = 60_000
const MAX_WORDS = 100_000

const CHAT: DemoBehaviour = { kind: 'chat', paceMs: 0, tools: 'when-asked' }
const fault = (name: DemoFault): DemoBehaviour => ({ kind: 'fault', fault: name })

/** Names without a figure in them. */
const NAMED: ReadonlyMap<string, DemoBehaviour> = new Map([
  ['demo-chat', CHAT],
  ['demo-chat-slow', { kind: 'chat', paceMs: 50, tools: 'when-asked' }],
  ['demo-tools', { kind: 'chat', paceMs: 0, tools: 'always' }],
  ['demo-hang', fault('hang')],
  ['demo-reset', fault('reset')],
  ['demo-cut', fault('cut')],
  ['demo-stall', fault('stall')],
  ['demo-error-event', fault('error-event')],
  ['demo-bad-json', fault('bad-json')],
  ['demo-no-usage', fault('no-usage')],
  ['demo-embedding', { kind: 'embedding' }],
  ['demo-moderation', { kind: 'moderation' }],
])

/** Names that end in a figure, with its range and what it means. */
const NUMBERED: readonly {
  readonly prefix: string
  readonly min: number
  readonly max: number
  readonly behaviour: (figure: number) => DemoBehaviour
}[] = [
  {
    prefix: 'demo-chat-pace-',
    min: 0,
    max: MAX_PACE_MS,
    behaviour: (paceMs) => ({ kind: 'chat', paceMs, tools: 'when-asked' }),
  },
  { prefix: 'demo-error-', min: 400, max: 599, behaviour: (status) => ({ kind: 'error', status }) },
  { prefix: 'demo-long-', min: 1, max: MAX_WORDS, behaviour: (words) => ({ kind: 'long', words }) },
]

/** What the model of this name does; null when there is none. */
export function behaviourOf(id: string): DemoBehaviour | null {
  const named = NAMED.get(id)
  if (named !== undefined) return named
  for (const { prefix, min, max, behaviour } of NUMBERED) {
    if (!id.startsWith(prefix)) continue
    const text = id.slice(prefix.length)
    const figure = Number(text)
    // One spelling per model, so that `0x1F4`, `1e3` and `050` are none.
    return /^(0|[1-9]\d{0,5})$/.test(text) && figure >= min && figure <= max ? behaviour(figure) : null
  }
  return null
}

const PRICES = { input: 100_000_000, output: 400_000_000, cacheRead: 50_000_000, cacheWrite: 125_000_000, request: 0 }

function model(id: string, description: string): DemoModel {
  return { id, description, prices: { rule: 'demo', ...PRICES }, maxOutputTokens: MAX_WORDS }
}

/** The models to list. Those with a figure stand for all figures: any `demo-error-<400..599>` works. */
export const demoModels: readonly DemoModel[] = [
  model('demo-chat', 'Answers at once: greets, repeats, calculates, counts words, calls tools when asked to.'),
  model('demo-chat-slow', 'The same at 50 ms a word.'),
  model('demo-chat-pace-200', 'The same at any pace: demo-chat-pace-<milliseconds a word, 0 to 60000>.'),
  model('demo-tools', 'Calls a tool whenever tools are given, then answers with its result.'),
  model('demo-long-1000', 'Answers with so many words: demo-long-<1 to 100000>.'),
  model('demo-error-429', 'Answers with an error: demo-error-<400 to 599>.'),
  model('demo-error-event', 'Ends a stream half way with an error event; without streaming, answers with a 500.'),
  model('demo-hang', 'Never answers.'),
  model('demo-stall', 'Stops half way through its answer, and says nothing more.'),
  model('demo-reset', 'Breaks the connection before it answers.'),
  model('demo-cut', 'Breaks the connection half way through its answer.'),
  model('demo-bad-json', 'Answers with JSON that is not valid.'),
  model('demo-no-usage', 'Answers without saying what was used.'),
  model('demo-embedding', 'Makes vectors of texts: near where words are the same.'),
  model('demo-moderation', 'Says whether a text has bad words, of the few that it knows.'),
]
