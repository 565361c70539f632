import type { ConfigDocument, DocumentProblem } from '../../config/index.ts'
import { problemsOf } from '../../config/index.ts'
import { compileConditions } from './conditions/conditions.ts'
import { loadRuleRegex } from './load-regex.ts'

/** Rules of models that cannot be compiled: expressions that are none, or are too large. */
export async function ruleProblems(document: ConfigDocument): Promise<DocumentProblem[]> {
  const regex = await loadRuleRegex(document)
  if (regex === null) return []
  return Object.entries(document.models).flatMap(([name, { strategy }]) =>
    (strategy?.rules ?? []).flatMap(({ when }, index) =>
      problemsOf(['models', name, 'strategy', 'rules', index], () => compileConditions(when, regex)),
    ),
  )
}
