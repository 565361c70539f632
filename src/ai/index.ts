/**
 * Model traffic: what clients call (`conversation/`, `operations/`, `surfaces/`), where it goes (`routing/`, `providers/`), how it
 * is relayed (`relay/`) or translated (`dialects/`, `ir/`, `translate/`), and what it costs (`models/`, `catalogue/`, `tokens/`).
 * It runs no tools and knows no sockets. Start reading at `compile.ts` (what a configuration becomes), then
 * `conversation/request-reader.ts` (what is read of a request) and `relay/event-stream.ts` (how a stream is relayed).
 */
import type { PolicyExplanation, PolicyQuestion } from './policy/explain.ts'
import type { RouteExplanation } from './routing/explain/explanation.ts'
import type { RouteQuestion } from './routing/explain/question.ts'

export { checkCatalogueFile } from './catalogue/catalogue.ts'
export {
  type CompileOptions,
  compileSurfaces,
  type SurfaceHooks,
  type SurfacePath,
  type Surfaces,
} from './compile.ts'
export { DemoUpstream, demoModels } from './demo/index.ts'
export {
  CONFIG_FACTS,
  DEMO_PROVIDER,
  PROVIDERS,
  providerKinds,
  providerRow,
  providersIn,
  variablesOf,
} from './facts.ts'
export type { FetchAddress } from './media/media-fetcher.ts'
export { UnreadThing } from './operations/unread/unread-thing.ts'
export type { PolicyExplanation, PolicyQuestion } from './policy/explain.ts'
export type { UpstreamModel } from './providers/discovery.ts'
export type { ProviderRow } from './providers/provider-row.ts'
export type { TransportSource } from './providers/upstreams.ts'
export type { ExplainedTarget, RouteExplanation } from './routing/explain/explanation.ts'
export type { LevelRights, RouteQuestion } from './routing/explain/question.ts'
export type { FailureClass } from './routing/failures/failure-class.ts'
export { ruleProblems } from './routing/rule-problems.ts'
export type { TargetFigures } from './routing/statistics.ts'
export type { TokenCounter } from './tokens/count-tokens.ts'
export { Tokenizer } from './tokens/tokenizer.ts'
export { countedTraffic, modelTraffic } from './traffic.ts'

/** Where a request would go and why. Loaded when somebody asks. */
export async function explainRoute(question: RouteQuestion): Promise<RouteExplanation> {
  return (await import('./routing/explain/explain.ts')).explainRoute(question)
}

/** What policies say to a request, and why. Loaded when somebody asks. */
export async function explainPolicy(question: PolicyQuestion): Promise<PolicyExplanation> {
  return (await import('./policy/explain.ts')).explainPolicy(question)
}
