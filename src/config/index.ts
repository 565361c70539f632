/**
 * Configuration: text → value with positions → schema → frozen document. It reads YAML, JSON and TOML, says everything
 * that is wrong at once and where, and resolves references to secrets when asked. It does not act on a configuration
 * and knows no provider. Importing it loads neither parsers nor the schema library: those come when something is
 * parsed, so that threads that only read documents don't carry them.
 *
 * Start reading at `schema.ts` (what a document is) and `parse.ts` (how a text becomes one).
 */

export { type AuthData, loadAuthData } from './auth-data.ts'
export { defaultDocument } from './default-document.ts'
export { type DocumentProblem, placeProblems, problemsOf, within } from './document-problem.ts'
export { checkDocumentedHashes } from './documented-hashes.ts'
export { type ConfigError, renderErrors, sortErrors } from './errors.ts'
export type { Format } from './formats/format.ts'
export { CONFIG_FILE_NAMES, CONFIG_MAX_BYTES, findConfigFile, loadConfig } from './load.ts'
export { documentFrom, type ParseOptions, type ParseResult, parseConfig } from './parse.ts'
export { formatPath, type Locate, type Path, type Position, type Positions } from './position.ts'
export type { ProviderFacts } from './provider-checks.ts'
export {
  type Environment,
  isCredentialHeader,
  isReference,
  type Resolution,
  readSecretFile,
  resolveReference,
} from './reference.ts'
export { ACCESS_PLACEHOLDER, ACCESS_PLACEHOLDERS, type AccessPlaceholder } from './schema/access-placeholders.ts'
export { ADMIN_RIGHTS } from './schema/admin-scopes.ts'
export { BUDGET_PERIODS, isScope, SCOPES } from './schema/key-vocabulary.ts'
export { isLoopback, type ListenAddress, parseListen } from './schema/listen.ts'
export type {
  ConfigDocument,
  IdentityConfig,
  KeyConfig,
  ListenerConfig,
  ModelConfig,
  PolicyConfig,
  PricesConfig,
  ProviderConfig,
  RouteConfig,
  RuleConfig,
  StrategyConfig,
  TargetConfig,
  UpstreamConfig,
} from './schema.ts'
export { Secret } from './secret.ts'
export { suggest } from './suggest.ts'
export { type ResolveOptions, unresolvedReferences } from './unresolved.ts'

/** The text of `config/schema.json`. */
export async function renderJsonSchema(): Promise<string> {
  return (await import('./json-schema.ts')).renderJsonSchema()
}

/** The text of `docs/configuration.md`. */
export async function renderReference(): Promise<string> {
  return (await import('./documentation.ts')).renderReference()
}

/** The text of `src/config/default-document.ts`. */
export async function renderDefaultDocument(): Promise<string> {
  return (await import('./default-source.ts')).renderDefaultDocument()
}

/** The schemas of levels, for what comes from elsewhere than a file, and the words for what is wrong. */
export async function loadLevelSchema() {
  const [{ organization, team, project, user }, { explain }] = await Promise.all([
    import('./schema/levels.ts'),
    import('./explain.ts'),
  ])
  return { organization, team, project, user, explain }
}

/** The schemas of a virtual key and of its rotation, for what comes from elsewhere than a file, and the words for what is wrong. */
export async function loadKeySchema() {
  const [{ key }, { rotation }, { explain }] = await Promise.all([
    import('./schema/keys.ts'),
    import('./schema/key-facts.ts'),
    import('./explain.ts'),
  ])
  return { key, rotation, explain }
}
