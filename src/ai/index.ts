/**
 * Model traffic: surfaces that clients call, providers as rows, relay of chat completions with usage read on the way,
 * prices, the demo provider. It knows no tools and no sockets. Start reading at `compile.ts` (what a configuration
 * becomes), then `chat/request.ts` (what is read of a request) and `chat/event-stream.ts` (how a stream is relayed).
 */
export { chatTraffic } from './chat/chat-traffic.ts'
export {
  type CompileOptions,
  compileSurfaces,
  type SurfaceHooks,
  type Surfaces,
} from './compile.ts'
export { CONFIG_FACTS } from './config-facts.ts'
export { DemoUpstream, demoModels } from './demo/index.ts'
export {
  DEMO_PROVIDER,
  PROVIDERS,
  type ProviderRow,
  providerKinds,
  providerRow,
  providersIn,
} from './providers/table.ts'
export type { TransportSource } from './providers/upstreams.ts'
