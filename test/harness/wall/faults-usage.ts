import { chunkOf, chunksOf, completionOf, composeAnswer, eventOf, usageChunkOf } from './chat.ts'
import type { Fault, FaultTable } from './fault.ts'

const WRONG_USAGE: Readonly<Record<string, unknown>> = {
  negative: { prompt_tokens: -1_000_000, completion_tokens: -1_000_000, total_tokens: -2_000_000 },
  string: { prompt_tokens: '12', completion_tokens: '8', total_tokens: '20' },
  huge: { prompt_tokens: 1e308, completion_tokens: 1e308, total_tokens: 1e308 },
  zero: { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 },
  fraction: { prompt_tokens: 1.5, completion_tokens: 2.5, total_tokens: 4 },
  array: [],
  null: null,
}

const withUsage =
  (variant: (name: string) => unknown): Fault =>
  async (x, body, name) => {
    const answer = composeAnswer(body)
    const usage = variant(name)
    if (!answer.stream) {
      x.entry.usage = usage ?? null
      return x.json(200, completionOf(answer, usage))
    }
    await x.streamHead()
    // Without a usage chunk: `includeUsage` adds one, so it is sent here by hand.
    for (const chunk of chunksOf({ ...answer, includeUsage: false })) await x.chunk(eventOf(chunk))
    if (answer.includeUsage && usage !== undefined) {
      x.entry.usage = usage
      await x.chunk(eventOf(usageChunkOf(answer, usage)))
    }
    await x.chunk(eventOf('[DONE]'))
    await x.lastChunk()
  }

/** Right answers with wrong, missing or misplaced usage. */
export const usageFaults: FaultTable = {
  'no-usage': withUsage(() => undefined),
  'usage-missing': withUsage(() => undefined),
  'usage-': withUsage((name) => WRONG_USAGE[name]),
  'usage-in-last-chunk': async (x, body) => {
    const answer = composeAnswer(body)
    const withChunk = { ...chunkOf(answer, {}, answer.finishReason), usage: answer.usage }
    x.entry.usage = answer.usage
    if (!answer.stream) return x.json(200, completionOf(answer, answer.usage))
    await x.streamHead()
    const chunks = chunksOf({ ...answer, includeUsage: false }).slice(0, -1)
    for (const chunk of [...chunks, withChunk]) await x.chunk(eventOf(chunk))
    await x.chunk(eventOf('[DONE]'))
    await x.lastChunk()
  },
}
