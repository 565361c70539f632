import type { Candidate, Exchange, Failure } from '../../core/index.ts'
import type { Estimate, Traffic, TrafficPort } from '../../governance/index.ts'
import { CountCandidate } from '../counting/count-candidate.ts'
import { type AnswerEnding, endingOf, endingOfAttempt } from '../models/answer-ending.ts'
import { believed } from '../models/believable.ts'
import { type Charge, chargeAt } from '../models/charge.ts'
import type { Usage } from '../models/price.ts'
import { ModelTarget } from '../models/target.ts'
import { estimateTokens } from '../relay/delivered.ts'
import { wayTold } from '../routing/way-told.ts'
import { type ConversationState, conversationStateOf } from './conversation-state.ts'

const NOTHING: Usage = { inputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0, outputTokens: 0, reasoningTokens: 0 }
const NOTHING_TOLD: [Usage, Traffic['usageSource']] = [NOTHING, 'none']
/** What every conversation costs beyond its text: the reply's primer and the frame of a message. */
const CONVERSATION_TOKENS = 7
/** What a model makes while nobody sees it: a middling pace, since fast ones make several times as much. */
const UNSEEN_TOKENS_PER_SECOND = 50

/** What chat requests cost: reserved before dispatch, charged when they end. */
export const conversationTraffic: Omit<TrafficPort, 'said' | 'switchModel'> = {
  estimate(x: Exchange, candidate: Candidate): Estimate {
    if (candidate instanceof CountCandidate) return candidate.target.freeEstimate
    const state = conversationStateOf(x)
    if (state === null || !(candidate instanceof ModelTarget)) throw new Error(`request ${x.id} is not a chat request`)
    return candidate.estimate(state, x.body)
  },

  traffic(x: Exchange): Traffic | null {
    const state = conversationStateOf(x)
    if (state === null) return null
    const leftAt = x.end === 'cancelled' || x.end === 'drained' ? x.endedAt : null
    const traffic = trafficOf(x, state, endingOf(x), leftAt)
    const { answerId, onAnswerUsed } = state
    if (answerId !== null && onAnswerUsed !== null) onAnswerUsed(answerId, contextOf(traffic))
    return traffic
  },

  abandon(x: Exchange, failure: Failure | null): Traffic | null {
    const state = conversationStateOf(x)
    if (state === null) return null
    const traffic = trafficOf(x, state, endingOfAttempt(failure), failure === 'overtaken' ? performance.now() : null)
    state.forgetAnswer()
    return traffic
  },
}

/** What a turn that follows brings along of this one: its input and its answer. */
function contextOf({
  inputTokens,
  cacheReadTokens,
  cacheWriteTokens,
  cacheWrite1hTokens = 0,
  ...made
}: Traffic): number {
  return (
    inputTokens + cacheReadTokens + cacheWriteTokens + cacheWrite1hTokens + made.outputTokens + made.reasoningTokens
  )
}

/** `leftAt`: when nobody waited any more for an upstream that had time left; null: it had none, or came to an end. */
function trafficOf(x: Exchange, state: ConversationState, ending: AnswerEnding, leftAt: number | null): Traffic {
  const target = x.candidate instanceof ModelTarget ? x.candidate : state.target
  const held = state.goesOn && state.answered && believed(state.usage) === null
  const [usage, usageSource] = held ? NOTHING_TOLD : usageOf(x, state, ending, leftAt)
  const charge = chargeOf(x, target, usage, usageSource)
  const routing = wayTold(x)
  return {
    modelRequested: state.modelRequested,
    modelServed: target?.model ?? null,
    provider: target?.provider ?? null,
    upstream: target?.upstream.origin ?? null,
    // One by one: the copy of an object whose members vary is slow.
    inputTokens: usage.inputTokens,
    cacheReadTokens: usage.cacheReadTokens,
    cacheWriteTokens: usage.cacheWriteTokens,
    outputTokens: usage.outputTokens,
    reasoningTokens: usage.reasoningTokens,
    cacheWrite1hTokens: usage.cacheWrite1hTokens,
    audioInputTokens: usage.audioInputTokens,
    audioOutputTokens: usage.audioOutputTokens,
    imageInputTokens: usage.imageInputTokens,
    imageOutputTokens: usage.imageOutputTokens,
    webSearches: usage.webSearches,
    units: usage.units,
    unit: usage.unit,
    usageSource,
    costNanos: charge?.nanos ?? null,
    leastNanos: charge?.leastNanos,
    priceRule: charge?.rule ?? null,
    translation: translationOf(state),
    attemptHistory: routing.attemptHistory,
    switchedBy: state.switched?.counter,
    variant: routing.variant,
    series: target?.series(seriesNameOf(state), routing.variant ?? null) ?? null,
    held: held ? true : undefined,
  }
}

/** What metrics call the requests of a surface; what copies do is told apart. */
function seriesNameOf({ surface, isCopy }: ConversationState): string {
  return isCopy ? `${surface.name}.shadow` : surface.name
}

function chargeOf(
  x: Exchange,
  target: ModelTarget | null,
  usage: Usage,
  source: Traffic['usageSource'],
): Charge | null {
  if (target === null) return null
  if (source !== 'none') return chargeAt(target, usage, source === 'reported', x.time)
  return target.prices === null ? null : { nanos: 0, rule: target.prices.rule, leastNanos: 0 }
}

/** Null when nothing was lost. */
function translationOf({ losses }: ConversationState): string | null {
  return losses === null || losses.fidelity === 'exact' ? null : losses.header()
}

/**
 * The upstream's own numbers win, an explicit zero too; when its answer was cut, what came after them is added as an
 * estimate. Without them: an answer that began is estimated from what came; a request that was cut or timed out after it
 * was sent is estimated by its input, since it may have been worked on, and when it was cut while the upstream had time
 * left, by that work too; an upstream that refused or failed did not work for us.
 */
function usageOf(
  x: Exchange,
  state: ConversationState,
  ending: AnswerEnding,
  leftAt: number | null,
): [usage: Usage, source: Traffic['usageSource']] {
  if (x.attempts === 0) return [NOTHING, 'none']
  const told = believed(state.usage)
  if (told !== null) return withRest(told, ending === 'whole' ? 0 : state.unreportedTokens)
  if (!state.answered && !(ending === 'cut' && x.sent)) return [NOTHING, 'none']
  const input = estimateTokens(state.contentBytes) + state.mediaTokens + CONVERSATION_TOKENS
  return [
    { ...NOTHING, inputTokens: input, outputTokens: state.deliveredTokens + unseenTokens(x, state, leftAt) },
    'estimated',
  ]
}

/**
 * What was probably made of an answer of which no text came before it was cut: a whole answer comes at its end, and
 * reasoning may come not at all. Not for a deadline of ours that passed: that upstream probably hung.
 */
function unseenTokens(x: Exchange, state: ConversationState, leftAt: number | null): number {
  if (state.target === null || state.deliveredTokens > 0 || leftAt === null) return 0
  const pace = (UNSEEN_TOKENS_PER_SECOND / 1_000) * state.choices
  return Math.min(Math.round((leftAt - x.dispatchedAt) * pace), state.target.mostOutput(state))
}

function withRest(usage: Usage, rest: number): [usage: Usage, source: Traffic['usageSource']] {
  return rest === 0 ? [usage, 'reported'] : [{ ...usage, outputTokens: usage.outputTokens + rest }, 'estimated']
}
