import { type ApiError, faultOf } from './api-error.ts'
import { type Completion, type CompletionCall, usageOf } from './completion.ts'
import type { DemoFault } from './models.ts'
import type { ConversationRequest } from './request-types.ts'
import { errorScript, type Script, type Step, silentScript, wholeScript } from './script.ts'
import { streamParts } from './tokens.ts'

const FINGERPRINT = 'fp_demo'

/** What happens to a request that was understood: the completion as one object or as a stream, or the fault asked for. */
export function chatScript(request: ConversationRequest, completion: () => Completion): Script {
  const { behaviour } = request
  if (behaviour.kind === 'error') return errorScript(faultOf(behaviour.status))
  const fault = behaviour.kind === 'fault' ? behaviour.fault : null
  if (fault === 'hang' || fault === 'reset') return silentScript(fault)
  if (fault === 'error-event' && !request.stream) return errorScript(faultOf(500))
  const paceMs = behaviour.kind === 'chat' ? behaviour.paceMs : 0
  return request.stream
    ? streamScript(request, completion(), { paceMs, fault })
    : bodyScript(completion(), { paceMs, fault })
}

interface Manner {
  readonly paceMs: number
  readonly fault: DemoFault | null
}

function bodyScript(completion: Completion, { paceMs, fault }: Manner): Script {
  const body = JSON.stringify({
    id: completion.id,
    object: 'chat.completion',
    created: completion.created,
    model: completion.model,
    choices: completion.choices.map((choice, index) => ({
      index,
      message: {
        role: 'assistant',
        content: choice.content,
        refusal: null,
        annotations: [],
        ...(choice.calls.length > 0 ? { tool_calls: choice.calls.map(wireCall) } : {}),
      },
      logprobs: null,
      finish_reason: choice.finishReason,
    })),
    ...(fault === 'no-usage' ? {} : { usage: usageOf(completion) }),
    service_tier: 'default',
    system_fingerprint: FINGERPRINT,
  })
  if (fault === 'bad-json') return wholeScript(200, body.slice(0, -2))
  const whole = wholeScript(200, body)
  // The time that a stream would have taken.
  if (paceMs > 0) return { ...whole, delayMs: paceMs * countParts(completion) }
  if (fault !== 'cut' && fault !== 'stall') return whole
  const half: Step = { kind: 'data', delayMs: 0, data: firstHalf(body) }
  return { ...whole, steps: [half, faultStep(fault)].values() }
}

function streamScript(request: ConversationRequest, completion: Completion, manner: Manner): Script {
  return {
    kind: 'answer',
    status: 200,
    headers: { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' },
    delayMs: 0,
    steps: streamSteps(request, completion, manner),
  }
}

function* streamSteps(
  request: ConversationRequest,
  completion: Completion,
  { paceMs, fault }: Manner,
): Generator<Step> {
  const total = countParts(completion)
  const withUsage = request.includeUsage && fault !== 'no-usage'
  const event = (choices: readonly unknown[], usage: unknown = null, delayMs = 0): Step => {
    const chunk = {
      id: completion.id,
      object: 'chat.completion.chunk',
      created: completion.created,
      model: completion.model,
      service_tier: 'default',
      system_fingerprint: FINGERPRINT,
      choices,
      ...(withUsage ? { usage } : {}),
    }
    return { kind: 'data', delayMs, data: `data: ${JSON.stringify(chunk)}\n\n` }
  }
  let sent = 0
  let faultLeft = fault
  for (const [index, choice] of completion.choices.entries()) {
    const delta = (value: unknown, finishReason: string | null = null, delayMs = 0): Step =>
      event([{ index, delta: value, logprobs: null, finish_reason: finishReason }], null, delayMs)
    yield delta({ role: 'assistant', content: choice.content === null ? null : '', refusal: null })
    for (const value of deltasOf(choice.content, choice.calls)) {
      if (faultLeft !== null && sent === total >> 1) {
        yield* faultSteps(faultLeft)
        if (isFinal(faultLeft)) return
        faultLeft = null
      }
      yield delta(value.delta, null, value.isPart ? paceMs : 0)
      if (value.isPart) sent++
    }
    yield delta({}, choice.finishReason)
  }
  // An answer without parts had no half.
  if (faultLeft !== null) yield* faultSteps(faultLeft)
  if (isFinal(faultLeft)) return
  if (withUsage) yield event([], usageOf(completion))
  yield { kind: 'data', delayMs: 0, data: 'data: [DONE]\n\n' }
}

interface Delta {
  readonly delta: unknown
  /** Counts as a word for the pace. */
  readonly isPart: boolean
}

function* deltasOf(content: string | null, calls: readonly CompletionCall[]): Generator<Delta> {
  for (const part of streamParts(content ?? '')) yield { delta: { content: part }, isPart: true }
  for (const [index, call] of calls.entries()) {
    const begun = { index, id: call.id, type: 'function', function: { name: call.name, arguments: '' } }
    yield { delta: { tool_calls: [begun] }, isPart: false }
    for (const part of streamParts(call.arguments)) {
      yield { delta: { tool_calls: [{ index, function: { arguments: part } }] }, isPart: true }
    }
  }
}

function countParts(completion: Completion): number {
  let count = 0
  for (const choice of completion.choices) {
    for (const delta of deltasOf(choice.content, choice.calls)) if (delta.isPart) count++
  }
  return count
}

/** Faults after which nothing follows. */
function isFinal(fault: DemoFault | null): fault is 'cut' | 'stall' | 'error-event' {
  return fault === 'cut' || fault === 'stall' || fault === 'error-event'
}

function* faultSteps(fault: DemoFault): Generator<Step> {
  if (fault === 'cut' || fault === 'stall') yield faultStep(fault)
  if (fault === 'error-event') {
    const error: ApiError = faultOf(500)
    const body = { error: { message: error.message, type: error.type, param: null, code: error.code } }
    yield { kind: 'data', delayMs: 0, data: `data: ${JSON.stringify(body)}\n\n` }
  }
  if (fault === 'bad-json') {
    yield {
      kind: 'data',
      delayMs: 0,
      data: 'data: {"id":"chatcmpl-demo","choices":[{"index":0,"delta":{"content":\n\n',
    }
  }
}

function faultStep(fault: 'cut' | 'stall'): Step {
  return { kind: fault === 'cut' ? 'cut' : 'hang' }
}

function wireCall(call: CompletionCall): unknown {
  return { id: call.id, type: 'function', function: { name: call.name, arguments: call.arguments } }
}

function firstHalf(text: string): string {
  // Half of the characters, never half of one.
  return text.slice(0, text.length >> 1).toWellFormed()
}
