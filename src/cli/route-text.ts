import type { ExplainedTarget, RouteExplanation } from '../ai/index.ts'

/** An explanation for people. */
export function renderRoute(told: RouteExplanation): string {
  const { model, strategy, key, levels, request, groups, order, targets } = told
  const within = levels.length === 0 ? '' : ` within ${levels.join(', ')}`
  const lines = [
    `${model}: ${strategy}, ${key === null ? 'a key without limits' : `key ${key}`}${within}`,
    `request: ${request.surface}${request.stream ? ', streamed' : ''}, about ${request.input_tokens} tokens in, up to ${request.output_tokens} out${request.media === 0 ? '' : `, ${request.media} media`}`,
    told.statistics === 'running'
      ? 'statistics: of the running gateway'
      : 'statistics: none; no gateway runs on this data directory, or it tells none',
    '',
    'Candidates',
    ...targets.map(
      (target) => `  ${target.dropped === null ? 'kept   ' : 'dropped'}  ${target.id}  ${aboutTarget(target, request)}`,
    ),
    '',
    'Groups',
    ...groups.flatMap((group) => [
      `  ${group.name}: ${group.strategy}${group.rule === null ? '' : `, ${group.rule} holds`}`,
      ...group.members.map((member, at) => `    ${at + 1}. ${aboutMember(member)}`),
    ]),
    '',
    'Order',
    ...(order.length === 0 ? ['  nobody is asked'] : []),
    ...order.map(({ id, variant, ready }, at) => {
      const more = [variant === null ? '' : `variant ${variant}`, ready ? '' : 'left alone for now'].filter(
        (text) => text !== '',
      )
      return `  ${at + 1}. ${id}${more.length === 0 ? '' : ` (${more.join(', ')})`}`
    }),
    ...(told.hedge === null ? [] : ['', aboutHedge(told.hedge)]),
    ...(told.canary === null ? [] : ['', aboutCanary(told.canary)]),
    ...(told.shadow === null ? [] : ['', aboutShadow(told.shadow)]),
    '',
    `When ${order[0]?.id ?? 'nobody'} fails`,
    ...told.on_failure.map(aboutFailure),
  ]
  return `${lines.join('\n')}\n`
}

function aboutTarget(target: ExplainedTarget, { stream }: RouteExplanation['request']): string {
  if (target.dropped !== null) return target.dropped
  const { cost_nanos: nanos, failure_share: share, in_flight: busy, rests_ms: rests } = target
  const ms = stream ? target.first_byte_stream_ms : target.first_byte_ms
  const parts = [
    nanos === null ? 'no price' : `$${(nanos / 1e9).toFixed(6)}`,
    ms === null ? 'never measured' : `${stream ? 'first words' : 'answer'} ${Math.round(ms)} ms`,
    `${Math.round(share * 100)} % failed`,
    ...(busy === 0 ? [] : [`${busy} in flight`]),
    ...(rests === 0 ? [] : [`rests ${Math.round(rests)} ms`]),
    ...(target.opens_in_ms === 0 ? [] : [`breaker open for ${Math.round(target.opens_in_ms)} ms`]),
    ...(target.tags.length === 0 ? [] : [target.tags.join(' ')]),
  ]
  return parts.join(', ')
}

function aboutHedge({ after, next }: NonNullable<RouteExplanation['hedge']>): string {
  const time = 'ms' in after ? `${after.ms} ms` : `as long as ${after.percentile} of 100 of its answers take`
  return `Hedge: after ${time}, ${next === null ? 'but nobody else may be asked' : `beside it ${next}`}`
}

function aboutCanary({ id, share, stop, restart_after_ms: ms }: NonNullable<RouteExplanation['canary']>): string {
  const again = ms === null ? '' : `, begins anew after ${ms / 1_000} s`
  return `Canary: ${percent(share)} go to ${id} first, until more than ${percent(stop.errors)} of ${stop.over} fail${again}`
}

function aboutShadow({ id, share, max_concurrent: most, charge }: NonNullable<RouteExplanation['shadow']>): string {
  const payer = charge === 'key' ? 'charged to the key' : 'charged to nobody'
  return `Shadow: ${percent(share)} are copied to ${id}, ${most} at a time, ${payer}`
}

function percent(share: number): string {
  return `${Number((share * 100).toFixed(3))} %`
}

function aboutMember({
  place,
  label,
  weight,
  priority,
  score,
}: RouteExplanation['groups'][number]['members'][number]): string {
  const parts = [
    `weight ${weight}`,
    `priority ${priority}`,
    ...(label === null ? [] : [`label ${label}`]),
    ...(score === null ? [] : [`score ${Number(score.toPrecision(4))}`]),
  ]
  return `${place}: ${parts.join(', ')}`
}

/** What `again` means, for people. */
const AGAIN: Readonly<Record<string, string>> = {
  backoff: 'again after a wait',
  'last-resort': 'again after a wait when no other is left',
}

function aboutFailure({ class: name, again, next, rests, breaker }: RouteExplanation['on_failure'][number]): string {
  const parts = [
    ...(AGAIN[again] === undefined ? [] : [AGAIN[again]]),
    next.length === 0 ? 'nobody else' : `then ${next.join(', ')}`,
    ...(rests === null ? [] : [`${rests.what} rests ${rests.ms} ms, or as it says`]),
    ...(breaker ? ['its breaker counts it'] : []),
  ]
  return `  ${name}: ${parts.join('; ')}`
}
