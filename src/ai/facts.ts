/**
 * What a configuration is held against: kinds of providers, their variables and the demo's models. A second door of this
 * module, for threads and commands that read a configuration and serve nothing: `index.ts` brings all that serves.
 */
export { CONFIG_FACTS } from './config-facts.ts'
export { providersIn, variablesOf } from './providers/found.ts'
export { DEMO_PROVIDER, PROVIDERS, providerKinds, providerRow } from './providers/table.ts'
