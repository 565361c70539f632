/*
 * Answers and streams of OpenAI's text completions, written from the API reference ("The completion object", 2026-11).
 * Independent of the gateway's own converters.
 */
import { z } from 'zod'

export type CompletionName = 'text' | 'several' | 'length' | 'filter' | 'logprobs' | 'empty'

interface Script {
  readonly texts: readonly (readonly string[])[]
  readonly finish: string
  readonly logprobs?: Readonly<Record<string, unknown>>
}

const SCRIPTS: Readonly<Record<CompletionName, Script>> = {
  text: { texts: [[' there', ' was', ' a gateway 🌈']], finish: 'stop' },
  several: { texts: [['one'], ['two', ' more']], finish: 'stop' },
  length: { texts: [['It begins']], finish: 'length' },
  filter: { texts: [['This']], finish: 'content_filter' },
  logprobs: {
    texts: [['Yes']],
    finish: 'stop',
    logprobs: { tokens: ['Yes'], token_logprobs: [-0.25], top_logprobs: [{ Yes: -0.25, No: -1.5 }], text_offset: [0] },
  },
  empty: { texts: [[]], finish: 'stop' },
}

export const COMPLETION_NAMES: readonly CompletionName[] = Object.keys(SCRIPTS) as CompletionName[]

const HEAD = { id: 'cmpl-mock1', object: 'text_completion', created: 1_790_000_000, model: 'gpt-3.5-turbo-instruct' }
const USAGE = { prompt_tokens: 5, completion_tokens: 7, total_tokens: 12 }

/** One whole answer. */
export function completionAnswer(name: CompletionName): Readonly<Record<string, unknown>> {
  const { texts, finish, logprobs } = SCRIPTS[name]
  const choices = texts.map((pieces, index) => ({
    text: pieces.join(''),
    index,
    logprobs: logprobs ?? null,
    finish_reason: finish,
  }))
  return { ...HEAD, choices, usage: USAGE }
}

/** The same as a stream: the text of each event. */
export function completionStream(name: CompletionName): string[] {
  const { texts, finish, logprobs } = SCRIPTS[name]
  const chunks: object[] = []
  for (const [index, pieces] of texts.entries()) {
    for (const text of pieces) chunks.push({ text, index, logprobs: logprobs ?? null, finish_reason: null })
  }
  for (const index of texts.keys()) chunks.push({ text: '', index, logprobs: null, finish_reason: finish })
  const events = chunks.map((choice) => JSON.stringify({ ...HEAD, choices: [choice], usage: null }))
  return [...events, JSON.stringify({ ...HEAD, choices: [], usage: USAGE }), '[DONE]']
}

const logprobs = z
  .strictObject({
    tokens: z.array(z.string()),
    token_logprobs: z.array(z.number()),
    top_logprobs: z.array(z.record(z.string(), z.number())),
    text_offset: z.array(z.int()),
  })
  .nullable()
const head = {
  id: z.string().startsWith('cmpl-'),
  object: z.literal('text_completion'),
  created: z.int(),
  model: z.string(),
}
const finishReason = z.enum(['stop', 'length', 'content_filter'])
const usage = z.looseObject({ prompt_tokens: z.int(), completion_tokens: z.int(), total_tokens: z.int() })

/** What a strict client takes as a whole answer. */
export const textCompletionSchema = z.strictObject({
  ...head,
  choices: z
    .array(z.strictObject({ text: z.string(), index: z.int(), logprobs, finish_reason: finishReason }))
    .nonempty(),
  usage: usage.optional(),
})

/** What it takes as an event of a stream. */
export const textChunkSchema = z.strictObject({
  ...head,
  choices: z.array(
    z.strictObject({ text: z.string(), index: z.int(), logprobs, finish_reason: finishReason.nullable() }),
  ),
  usage: usage.nullable().optional(),
})
