/**
 * Configuration: text → value with positions → schema → frozen document. It reads YAML, JSON and TOML, says everything
 * that is wrong at once and where, and resolves references to secrets when asked. It does not act on a configuration
 * and knows no provider. Start reading at `schema.ts` (what a document is) and `parse.ts` (how a text becomes one).
 */
export { renderReference } from './documentation.ts'
export { type ConfigError, renderErrors } from './errors.ts'
export type { Format } from './formats/format.ts'
export { renderJsonSchema } from './json-schema.ts'
export { CONFIG_FILE_NAMES, CONFIG_MAX_BYTES, findConfigFile, loadConfig } from './load.ts'
export { type ParseOptions, type ParseResult, parseConfig } from './parse.ts'
export type { Locate, Path, Position, Positions } from './position.ts'
export { type Environment, isReference, type Resolution, readSecretFile, resolveReference } from './reference.ts'
export { BUDGET_PERIODS, SCOPES } from './schema/keys.ts'
export { isLoopback, type ListenAddress, parseListen } from './schema/scalars.ts'
export {
  type ConfigDocument,
  defaultDocument,
  type KeyConfig,
  type ModelConfig,
  type ProviderConfig,
  type TargetConfig,
} from './schema.ts'
export { Secret } from './secret.ts'
export { suggest } from './suggest.ts'
export { type ResolveOptions, unresolvedReferences } from './unresolved.ts'
