import { responsesMeter } from '../../dialects/openai-responses/meter.ts'
import type { JsonObject } from '../../ir/json.ts'
import type { Usage } from '../../models/price.ts'
import type { ModelRegistry } from '../../models/registry.ts'
import type { ModelTarget } from '../../models/target.ts'
import { usageOfTokens } from '../../models/token-usage.ts'
import { ForwardState } from '../../operations/forward/forward-state.ts'
import type { Look } from '../../operations/unread/look.ts'
import type { ProviderUpstream } from '../../providers/upstreams.ts'
import { isOfMaker, type Maker } from './maker.ts'

export interface ResponseLookParts {
  readonly provider: ProviderUpstream
  readonly registry: ModelRegistry
  /** It has ended and used nothing. */
  readonly onFree: () => void
}

/** What an answer in the background is called when it is over. */
const OVER: ReadonlySet<unknown> = new Set(['completed', 'failed', 'incomplete', 'cancelled'])
/** Ends at which the vendor tells no usage when there was none. */
const UNUSED: ReadonlySet<unknown> = new Set(['failed', 'cancelled'])

/** Reads an answer that is made in the background at whoever makes it; null where that speaks another dialect now. */
export function responseLook(look: Look, { provider, registry, onFree }: ResponseLookParts): ForwardState | null {
  const path = responsesPath(provider)
  if (path === null) return null
  const state = new ForwardState('responses', provider, belowPath(path, `/${encodeURIComponent(look.id)}`))
  state.modelRequested = look.model
  state.target = targetOf(look, registry)
  state.readAnswer = (answer) => usageWhenOver(answer, onFree)
  return state
}

/** The target of a maker under the name that the client gave the model; null where there is none any more. */
export function targetOf(
  maker: Pick<Maker, 'provider' | 'credential' | 'model'>,
  registry: ModelRegistry,
): ModelTarget | null {
  if (maker.model === null) return null
  return registry.resolve(maker.model)?.targets.find(({ target }) => isOfMaker(maker, target))?.target ?? null
}

/** What an answer in the background used; null as long as it is made. */
export function usageWhenOver(answer: JsonObject, onFree: () => void): Usage | null {
  const { status } = answer
  if (!OVER.has(status)) return null
  const usage = responsesMeter.readUsage(answer)
  if (usage === null && UNUSED.has(status)) onFree()
  return usage === null ? null : usageOfTokens(usage)
}

/** Where a provider's answers of this dialect are made; null where it has none. */
export function responsesPath({ endpoints }: ProviderUpstream): string | null {
  const found = endpoints.find(({ endpoint }) => endpoint.dialect === 'openai-responses')
  return found?.endpoint.path('', false) ?? null
}

/** A path below another one, which may have a query. */
export function belowPath(path: string, below: string): string {
  const query = path.indexOf('?')
  return query < 0 ? `${path}${below}` : `${path.slice(0, query)}${below}${path.slice(query)}`
}
