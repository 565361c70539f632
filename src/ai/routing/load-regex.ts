import type { ConfigDocument } from '../../config/index.ts'
import { loadRegexCompiler, type RegexCompiler } from '../../core/index.ts'

/** The engine for expressions in rules of models; null, and not loaded, for a document that has none. */
export async function loadRuleRegex({ models }: ConfigDocument): Promise<RegexCompiler | null> {
  const rules = Object.values(models).flatMap(({ strategy }) => strategy?.rules ?? [])
  const isAsked = rules.some(({ when }) => {
    const tests = [...Object.values(when.header ?? {}), ...Object.values(when.metadata ?? {})]
    return when.matches !== undefined || tests.some((test) => typeof test === 'object' && 'regex' in test)
  })
  return isAsked ? loadRegexCompiler() : null
}
