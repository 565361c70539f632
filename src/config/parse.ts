import { checkDocument } from './checks.ts'
import { type ConfigError, configError, sortErrors } from './errors.ts'
import { type Format, formatOf, loadParser } from './formats/format.ts'
import { type Positions, START } from './position.ts'
import type { ProviderFacts } from './provider-checks.ts'
import type { Environment } from './reference.ts'
import type { ConfigDocument } from './schema.ts'
import { unresolvedReferences } from './unresolved.ts'

/** How to read a text. */
export interface ParseOptions {
  /** Named in errors; its extension tells the format when `format` is absent. */
  readonly path: string
  readonly format?: Format
  /** Kinds that a provider may be of; absent: the kind is not checked. */
  readonly providerKinds?: readonly string[]
  /** What is known of a kind; absent: nothing. */
  readonly providerFacts?: (kind: string) => ProviderFacts | null
  /** Providers that are there without being configured, and addressed directly; absent: `demo`. */
  readonly builtInProviders?: readonly string[]
  /** Whether a kind of provider has a model: false only where that is known. Absent: not checked. */
  readonly mayHaveModel?: (kind: string, model: string) => boolean
  /** Where references are looked up when the text has other errors, to report all at once. Absent: they are not. */
  readonly env?: Environment
}

/** A document, or every error of the text. */
export type ParseResult =
  | {
      readonly ok: true
      readonly document: ConfigDocument
      readonly positions: Positions
      readonly warnings: readonly ConfigError[]
      readonly file: string
      readonly text: string
    }
  | { readonly ok: false; readonly errors: readonly ConfigError[]; readonly file: string; readonly text: string }

/**
 * The document of plain data that this program made itself, with every default filled in. Throws when the data is not
 * valid, which is a defect: what people write goes through `parseConfig`.
 */
export async function documentFrom(value: unknown): Promise<ConfigDocument> {
  const { applySchema } = await import('./explain.ts')
  const result = applySchema(value)
  if (result.ok) return result.document
  const issues = result.issues.map(({ path, message }) => `${path.join('.')}: ${message}`)
  throw new TypeError(`not a configuration document: ${issues.join('; ')}`)
}

/**
 * Reads a configuration: syntax, schema and the checks between its parts. Reports all errors at once, sorted by
 * position; a syntax error hides the others, because what follows it has no certain meaning. Looks references up only
 * with `env`, and only to say which of an invalid text's cannot be used: whoever takes a document asks for its own.
 */
export async function parseConfig(text: string, options: ParseOptions): Promise<ParseResult> {
  const file = options.path
  const source = text.startsWith('\uFEFF') ? text.slice(1) : text
  const format = options.format ?? formatOf(file)
  if (format === null) {
    const message = 'the format is not known; name the file .yaml, .yml, .json, .jsonc or .toml'
    return { ok: false, errors: [configError(file, { ...START, path: [] }, { message })], file, text }
  }
  const parse = await loadParser(format)
  const { value, faults, positions } = await parse(source)
  const errors = faults.map((fault) => configError(file, { ...fault.position, path: fault.path }, fault))
  if (value === undefined) return { ok: false, errors: sortErrors(errors), file, text }

  const { builtInProviders = ['demo'] } = options
  const findings = checkDocument(value, { ...options, builtInProviders })
  // Loaded here, because the schema library weighs 15 MB, and whoever only reads documents never needs it.
  const { applySchema, toErrors } = await import('./explain.ts')
  const result = applySchema(value)
  const warnings: ConfigError[] = []
  if (!result.ok || findings.length > 0) {
    const locate = await positions()
    if (!result.ok) errors.push(...toErrors(result, file, locate))
    for (const finding of findings) {
      const { path, of } = finding
      const place = of === 'owner' ? locate(path.slice(0, -1), 'key') : locate(path, of)
      ;(finding.severity === 'error' ? errors : warnings).push(configError(file, { ...place, path }, finding))
    }
  }
  if (!result.ok || errors.length > 0) {
    const { env, providerFacts } = options
    if (env !== undefined) errors.push(...(await unresolvedReferences(value, { positions, file, env, providerFacts })))
    return { ok: false, errors: sortErrors(errors), file, text }
  }
  return { ok: true, document: result.document, positions, warnings: sortErrors(warnings), file, text }
}
