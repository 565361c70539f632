import {
  type ConfigDocument,
  type ConfigError,
  type Environment,
  type ParseResult,
  placeProblems,
  problemsOf,
  type ResolveOptions,
  sortErrors,
  unresolvedReferences,
} from '../config/index.ts'

/**
 * Everything for which a start or a reload would refuse a file that is valid as such: references that do not resolve,
 * and what only compiling finds. `ferro validate` asks here too, so that its verdict is that of the server.
 */
export async function startErrors(
  { document, positions, file }: Extract<ParseResult, { ok: true }>,
  env: Environment,
  providerFacts: ResolveOptions['providerFacts'],
): Promise<ConfigError[]> {
  return sortErrors([
    ...(await unresolvedReferences(document, { positions, file, env, providerFacts })),
    ...(await placeProblems(
      [
        ...(await compileProblems(document)),
        ...(await modelProblems(document)),
        ...(await catalogueProblems(document)),
      ],
      {
        positions,
        file,
      },
    )),
  ])
}

/** As below, for a document whose models have rules. */
async function modelProblems(document: ConfigDocument) {
  const hasRules = Object.values(document.models).some(({ strategy }) => strategy?.rules !== undefined)
  if (!hasRules) return []
  const { ruleProblems } = await import('../ai/index.ts')
  return await ruleProblems(document)
}

/** The operator's own list of models, which is read only where there is one. */
async function catalogueProblems({ catalogue: { file } }: ConfigDocument) {
  if (file === undefined) return []
  const { checkCatalogueFile } = await import('../ai/index.ts')
  return problemsOf(['catalogue', 'file'], () => checkCatalogueFile(file))
}

/** Loaded only when it is needed: most of the program hangs on it, and a start waits for this thread. */
async function compileProblems(document: ConfigDocument) {
  const { routes, upstreams, listeners, egress } = document
  const parts = [...routes, ...egress.rules, ...Object.keys(upstreams), ...Object.keys(listeners)]
  if (parts.length === 0) return []
  const { documentProblems } = await import('./document-problems.ts')
  return await documentProblems(document)
}
