import { compileGlob } from '../lib/index.ts'
import type { Finding } from './checks.ts'
import { LEVEL_SECTIONS } from './level-checks.ts'
import type { Path } from './position.ts'
import { suggest } from './suggest.ts'
import { at, error, itemsOf, text } from './value.ts'

/** Names that clients may use for models. */
export interface ClientNames {
  readonly directPrefixes: readonly { readonly text: string }[]
  readonly models: readonly string[]
  readonly aliases: readonly string[]
}

/** Budgets that name a model to switch to which is not there: they would refuse what they should let through. */
export function checkSwitches(value: unknown, names: ClientNames): Finding[] {
  const members: (readonly [member: unknown, path: Path])[] = [[at(value, 'gateway'), ['gateway']]]
  for (const section of [...Object.keys(LEVEL_SECTIONS), 'keys']) {
    for (const [index, member] of itemsOf(at(value, section)).entries()) members.push([member, [section, index]])
  }
  return members.flatMap(([member, path]) => [
    ...checkBudgets(at(member, 'budgets'), [...path, 'budgets'], names),
    ...itemsOf(at(member, 'rules')).flatMap((rule, index) =>
      checkBudgets(at(rule, 'budgets'), [...path, 'rules', index, 'budgets'], names),
    ),
  ])
}

function checkBudgets(budgets: unknown, path: Path, { directPrefixes, models, aliases }: ClientNames): Finding[] {
  return itemsOf(budgets).flatMap((budget, index) => {
    const named = text(at(at(budget, 'on_exhausted'), 'switch_model'))
    if (named === null || aliases.includes(named)) return []
    if (directPrefixes.some((prefix) => named.startsWith(prefix.text))) return []
    if (models.some((model) => compileGlob(model)(named))) return []
    const suggestion = suggest(named, [...models, ...aliases])
    return [error([...path, index, 'on_exhausted', 'switch_model'], `there is no model \`${named}\``, { suggestion })]
  })
}
