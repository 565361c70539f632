import type { Charge } from './budget.ts'
import type { Takings } from './counter-desk.ts'
import type { BudgetDocument } from './level-document.ts'
import { periodEnd, periodOf, periodStart } from './period.ts'

/** What is the same for all requests that take from the same budgets as long as no period ends. */
export interface ChargingMoment {
  readonly budgets: readonly BudgetDocument[]
  /** The numbers of their periods. */
  readonly periods: readonly number[]
  /** What stands between the amounts in the journal's list of charges: of budgets of tokens, and of those of USD behind them. */
  readonly ofTokens: readonly string[]
  readonly ofNanos: readonly string[]
  readonly startMs: number
  readonly endMs: number
}

/** Budgets that requests take from together: those of tokens first, and each kind in the order in which it was given. */
export class Charging {
  readonly budgets: readonly BudgetDocument[]
  #moment: ChargingMoment | null = null

  constructor(budgets: readonly BudgetDocument[]) {
    this.budgets = [...budgets.filter(isOfTokens), ...budgets.filter((budget) => !isOfTokens(budget))]
  }

  /** `timeMs` since the epoch. */
  at(timeMs: number): ChargingMoment {
    let moment = this.#moment
    if (moment === null || timeMs < moment.startMs || timeMs >= moment.endMs) {
      moment = momentOf(this.budgets, timeMs)
      this.#moment = moment
    }
    return moment
  }
}

function momentOf(budgets: readonly BudgetDocument[], timeMs: number): ChargingMoment {
  const periods = budgets.map(({ per, timeZone }) => periodOf(per, timeMs, timeZone))
  const heads = budgets.map(({ counter }, at) => `${at === 0 ? '[' : '],'}["${counter}",${periods[at]},`)
  const tokens = budgets.filter(isOfTokens).length
  const starts = budgets.map(({ per, timeZone }) => periodStart(per, timeMs, timeZone))
  const ends = budgets.map(({ per, timeZone }) => periodEnd(per, timeMs, timeZone) ?? Number.POSITIVE_INFINITY)
  const between = (part: readonly string[]) => (part.length === 0 ? [] : [...part, ''])
  return {
    budgets,
    periods,
    ofTokens: between(heads.slice(0, tokens)),
    ofNanos: between(heads.slice(tokens)),
    startMs: Math.max(0, ...starts),
    endMs: Math.min(...ends),
  }
}

function isOfTokens({ unit }: BudgetDocument): boolean {
  return unit === 'tokens'
}

/** The journal's list of charges of so much. */
export function chargesJson({ budgets, ofTokens, ofNanos }: ChargingMoment, tokens: number, nanos: number): string {
  if (budgets.length === 0) return '[]'
  // Nearly every key: two pieces, and nothing to join.
  if (budgets.length === 1) return `${ofTokens[0] ?? ofNanos[0]}${ofNanos.length === 0 ? tokens : nanos}]]`
  // One call makes one text: pieces that are added one by one stay apart until the journal is written, each with its own cost.
  return `${ofTokens.join(String(tokens))}${ofNanos.join(String(nanos))}]]`
}

/** The amount in a budget's own unit. */
export function amountFor({ unit }: BudgetDocument, { tokens, nanos }: Pick<Takings, 'tokens' | 'nanos'>): number {
  return unit === 'tokens' ? tokens : nanos
}

/** Charges of one request after the other, in memory that is used again: with budgets on all levels each would make a dozen. */
export class ChargeList {
  readonly #all: { -readonly [name in keyof Charge]: Charge[name] }[] = []
  readonly #list: Charge[] = []

  /** Valid until the next call. `limitOf`: up to where a budget may be used in a period; absent: its limit. */
  of(takings: Takings, limitOf: ((budget: BudgetDocument, period: number) => number) | null = null): readonly Charge[] {
    const { budgets, periods, owed } = takings
    this.#list.length = budgets.length
    for (let at = 0; at < budgets.length; at++) {
      const budget = budgets[at] as BudgetDocument // in range
      let charge = this.#all[at]
      if (charge === undefined) {
        charge = { index: 0, period: 0, amount: 0, limit: 0 }
        this.#all.push(charge)
      }
      charge.index = budget.slot
      charge.period = periods[at] ?? 0
      charge.amount = amountFor(budget, takings)
      // What is owed was used already.
      if (owed) charge.limit = Number.MAX_SAFE_INTEGER
      else charge.limit = limitOf === null ? budget.limit : limitOf(budget, charge.period)
      this.#list[at] = charge
    }
    return this.#list
  }
}
