import type { RequestFacts, Strategy } from '../contract.ts'

/** Members that are asked, in this order, when a request is as the rule says. */
export interface Rule {
  /** For people: where the rule stands in the configuration. */
  readonly place: string
  readonly holds: (facts: RequestFacts) => boolean
  /** Positions of members. */
  readonly use: readonly number[]
}

/** `conditional` and `content`: the first rule that holds names the members; `otherwise` when none does. */
export function byRules(rules: readonly Rule[], otherwise: readonly number[]): Strategy {
  return (draft, { facts }) => {
    draft.keepOnly(ruleFor(rules, facts)?.use ?? otherwise)
  }
}

/** The first rule that holds; null for none. */
export function ruleFor(rules: readonly Rule[], facts: RequestFacts): Rule | null {
  for (const rule of rules) if (rule.holds(facts)) return rule
  return null
}
