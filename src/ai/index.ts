/**
 * Model traffic: surfaces that clients call, providers as rows, relay of chat completions with usage read on the way,
 * prices, the demo provider. It knows no tools and no sockets. Start reading at `compile.ts` (what a configuration
 * becomes), then `conversation/request.ts` (what is read of a request) and `relay/event-stream.ts` (how a stream is relayed).
 */

export {
  type CompileOptions,
  compileSurfaces,
  type SurfaceHooks,
  type SurfacePath,
  type Surfaces,
} from './compile.ts'
export { CONFIG_FACTS } from './config-facts.ts'
export { DemoUpstream, demoModels } from './demo/index.ts'
export type { UpstreamModel } from './providers/discovery.ts'
export { providersIn, variablesOf } from './providers/found.ts'
export type { ProviderRow } from './providers/provider-row.ts'
export { DEMO_PROVIDER, PROVIDERS, providerKinds, providerRow } from './providers/table.ts'
export type { TransportSource } from './providers/upstreams.ts'
export { loadRuleRegex } from './routing/load-regex.ts'
export { ruleProblems } from './routing/rule-problems.ts'
export { LIMITED_ROUTES } from './surfaces/limited-routes.ts'
export { modelTraffic } from './traffic.ts'
