/**
 * The demo provider: an upstream inside the process that speaks chat completions offline, so that a first start needs
 * no account and tests need no network. It answers by simple rules, deterministically, and does faults on request by
 * the model's name. It is not a mock of one vendor, and knows nothing of keys, limits or records.
 * Start reading at `models.ts` (what can be asked for), then `demo-upstream.ts` and `playback.ts`.
 */
export { DemoUpstream, type DemoUpstreamOptions } from './demo-upstream.ts'
export { behaviourOf, type DemoBehaviour, type DemoModel, demoModels } from './models.ts'
