import type { JsonObject } from '../json.ts'
import { type ChatAnswer, chunksOf, completionOf, composeAnswer, errorOf, eventOf } from './chat.ts'
import type { WallExchange } from './exchange.ts'

/** Answers as the vendor does when nothing is wrong. */
export async function answerWell(
  x: WallExchange,
  body: JsonObject,
  options: Parameters<typeof composeAnswer>[1] = {},
): Promise<void> {
  const answer = composeAnswer(body, options)
  if (answer.stream) return streamWell(x, answer)
  x.entry.usage = answer.usage
  return x.json(200, completionOf(answer, answer.usage))
}

/** A whole stream, with a pause of `paceMs` before each chunk. */
export async function streamWell(x: WallExchange, answer: ChatAnswer, paceMs = 0): Promise<void> {
  await x.streamHead()
  for (const chunk of chunksOf(answer)) {
    if (x.gone) return
    if (paceMs > 0) await x.pause(paceMs)
    await x.chunk(eventOf(chunk))
  }
  if (answer.includeUsage && !x.gone) x.entry.usage = answer.usage
  await x.chunk(eventOf('[DONE]'))
  return x.lastChunk()
}

/** The vendor's answer to a model that it does not have. */
export function answerUnknownModel(x: WallExchange, model: string): Promise<void> {
  const message = `The model \`${model}\` does not exist or you do not have access to it.`
  return x.json(404, errorOf(message, 'invalid_request_error', 'model_not_found'))
}
