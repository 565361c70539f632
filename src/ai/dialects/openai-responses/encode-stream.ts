import type { GatewayError } from '../../../core/index.ts'
import type { Stop, StreamEvent, TokenUsage } from '../../ir/answer.ts'
import type { JsonObject } from '../../ir/json.ts'
import { AnswerReport } from '../carried-answer.ts'
import type { AnswerContext, StreamEncoder } from '../dialect.ts'
import { ownExtra } from '../openai-chat/extra.ts'
import { ANSWER_CARRIES } from './answer-carries.ts'
import { failureOf } from './errors.ts'
import { OutputItems } from './output-items.ts'
import { responseObject } from './response-object.ts'
import { encodeStop } from './stop-reasons.ts'
import { encodeUsage } from './usage.ts'

/** For a surface that keeps answers. */
export interface Keeping {
  /** Members of the answer that the surface knows. */
  readonly members: JsonObject
  /** The answer as it is at its end, unless it failed. */
  readonly onEnd: (response: JsonObject) => void
}

/** Writes the events of one streamed response: each has its type in its name and in its data, and a number. */
export class ResponsesEncoder implements StreamEncoder {
  readonly #context: AnswerContext
  readonly #keeping: Keeping | null
  readonly #report: AnswerReport
  readonly #output: OutputItems
  #start: Extract<StreamEvent, { type: 'start' }> = { type: 'start' }
  #response: JsonObject | null = null
  #stop: Stop = { reason: 'other' }
  #usage: TokenUsage | null = null
  #tier: string | undefined
  #over = false
  #next = 0
  /** What the event at hand made. */
  #out = ''

  constructor(context: AnswerContext, keeping: Keeping | null = null) {
    this.#context = context
    this.#keeping = keeping
    this.#report = new AnswerReport('openai-responses', ANSWER_CARRIES, context.losses)
    this.#output = new OutputItems(context, this.#write)
  }

  push(event: StreamEvent): string {
    if (this.#over) return ''
    this.#out = ''
    this.#report.event(event)
    switch (event.type) {
      case 'start':
        this.#start = event
        this.#output.own = event.dialect === 'openai-responses'
        this.#begin()
        break
      case 'usage':
        this.#usage = event.usage
        this.#tier = event.serviceTier ?? this.#tier
        break
      case 'fault':
        this.#fail({ code: 'server_error', message: event.fault.message })
        break
      case 'end':
        this.#end(event.extra)
        break
      default:
        if (event.choice === 0) this.#choice(event)
        else this.#context.losses.drop('n')
    }
    return this.#out
  }

  fail(error: GatewayError): string {
    if (this.#over) return ''
    this.#out = ''
    this.#fail(failureOf(error))
    return this.#out
  }

  #choice(event: Extract<StreamEvent, { choice: number }>): void {
    this.#begin()
    const output = this.#output
    switch (event.type) {
      case 'part-start':
        return output.start(event.index, event.part)
      case 'part-delta':
        return output.text(event.index, event.text)
      case 'part-note':
        return output.note(event)
      case 'part-end':
        return output.end(event.index)
      case 'logprobs': {
        const content = event.logprobs['content']
        if (Array.isArray(content)) output.logprobs(content)
        return
      }
      case 'stop':
        this.#stop = event.stop
        return output.finish(event.stop)
    }
  }

  #begin(): void {
    if (this.#response !== null) return
    this.#response = { ...responseObject(this.#start, this.#context), ...this.#keeping?.members }
    this.#write('response.created', { response: this.#response })
    this.#write('response.in_progress', { response: this.#response })
  }

  #end(extra: JsonObject | undefined): void {
    this.#begin()
    const output = this.#output
    const { losses } = this.#context
    output.finish(this.#stop)
    const ended = encodeStop(this.#stop, output.refused, losses)
    const tier = this.#tier === undefined ? {} : { service_tier: this.#tier }
    this.#over = true
    const response = {
      ...ownExtra(output.own, extra, '', losses),
      ...this.#response,
      ...tier,
      ...ended,
      output: output.items,
      usage: this.#usage === null ? null : encodeUsage(this.#usage, losses),
    }
    this.#keeping?.onEnd(response)
    this.#write(ended['status'] === 'completed' ? 'response.completed' : 'response.incomplete', { response })
  }

  /** What has been told stays told; what was cut within has no end. */
  #fail(error: JsonObject): void {
    this.#over = true
    const response = this.#response ?? responseObject(this.#start, this.#context)
    const output = this.#output.items.filter((item) => item !== null)
    const usage = this.#usage === null ? null : encodeUsage(this.#usage, this.#context.losses)
    this.#write('response.failed', { response: { ...response, status: 'failed', error, output, usage } })
  }

  readonly #write = (type: string, members: JsonObject): void => {
    const data = JSON.stringify({ type, sequence_number: this.#next++, ...members })
    this.#out += `event: ${type}\ndata: ${data}\n\n`
  }
}
