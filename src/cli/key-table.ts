import type { BudgetAnswer, KeyAnswer } from '../control/index.ts'
import { renderTable } from './text-table.ts'

const HEADINGS = ['ID', 'NAME', 'KEY', 'STATE', 'OWNER', 'EXPIRES', 'RATE', 'BUDGETS']

/** Keys as a table for people, one line each. */
export function renderKeyTable(keys: readonly KeyAnswer[]): string {
  return renderTable([HEADINGS, ...keys.map(cellsOf)])
}

function cellsOf({ id, name, prefix, state, owner, expires_at, limits, budgets }: KeyAnswer): string[] {
  const key = prefix === '' ? '-' : `${prefix}…`
  const expires = expires_at === null ? 'never' : expires_at.slice(0, 16).replace('T', ' ')
  const rate = limits.requests_per_minute === null ? '-' : `${limits.requests_per_minute}/min`
  return [id, name, key, state, owner, expires, rate, budgets.map(budgetText).join(', ') || '-']
}

/** A budget for people, with what of it is used where that is known. */
export function budgetText({ tokens, usd, per, spent }: BudgetAnswer): string {
  const text = (amount: number) => (usd === undefined ? `${amount}` : dollars(amount))
  const limit = usd === undefined ? `${tokens} tokens` : text(usd)
  const period = per === 'total' ? 'in total' : `per ${per}`
  return spent === undefined ? `${limit} ${period}` : `${text(spent)} of ${limit} ${period}`
}

/** Counted in nano-dollars, so never more than nine decimals; `String` would write small amounts with an exponent. */
function dollars(amount: number): string {
  return `$${amount.toFixed(9).replace(/\.?0+$/, '')}`
}
