import type { AnswerContext } from '../../dialects/dialect.ts'
import { ResponsesEncoder } from '../../dialects/openai-responses/encode-stream.ts'
import { openaiResponsesUpstream } from '../../dialects/openai-responses/index.ts'
import { eventsOf } from '../../ir/disassemble.ts'
import type { JsonObject } from '../../ir/json.ts'
import { Losses } from '../../ir/losses.ts'

/** The events that a stream of a kept answer has, behind the one of this number. */
export function replayed(response: JsonObject, after: number): string {
  const losses = new Losses()
  const answer = openaiResponsesUpstream.decodeAnswer(response, { losses, ids: { next: (prefix) => `${prefix}_0` } })
  if (!('choices' in answer)) return ''
  const model = answer.model ?? ''
  const id = String(response['id']).replace(/^resp_/, '')
  const context: AnswerContext = {
    id,
    model,
    createdAt: answer.createdAt ?? 0,
    request: { dialect: 'openai-responses', model, messages: [], tools: [], parameters: {}, stream: true },
    losses,
  }
  // Nothing of the answer is told before its time.
  const { output: _output, usage: _usage, status: _status, incomplete_details: _details, ...members } = response
  const encoder = new ResponsesEncoder(context, { members, onEnd: () => undefined })
  let text = ''
  let number = -1
  const { id: own, createdAt, serviceTier } = answer
  const start = { type: 'start', dialect: 'openai-responses', id: own, model, createdAt, serviceTier } as const
  for (const event of [start, ...rest(answer)]) {
    for (const one of encoder.push(event).split('\n\n')) {
      if (one === '') continue
      number++
      if (number > after) text += `${one}\n\n`
    }
  }
  return text
}

function* rest(answer: Parameters<typeof eventsOf>[0]) {
  for (const event of eventsOf(answer)) if (event.type !== 'start') yield event
}
