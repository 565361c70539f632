import type { LevelAnswer } from '../control/index.ts'
import { budgetText } from './key-table.ts'
import { renderTable } from './text-table.ts'

const HEADINGS = ['ID', 'NAME', 'STATE', 'OWNER', 'IN', 'RATE', 'BUDGETS', 'TAGS']

/** Levels as a table for people, one line each. */
export function renderLevelTable(levels: readonly LevelAnswer[]): string {
  return renderTable([HEADINGS, ...levels.map(cellsOf)])
}

/** Everything that is said of one level, for people. */
export function renderLevel(level: LevelAnswer): string {
  const { models, limits, rules, metadata } = level
  const rows = HEADINGS.map((heading, at) => [heading.toLowerCase(), cellsOf(level)[at] ?? ''])
  const more: [string, string][] = [
    ['models', models.allow === null ? 'all' : models.allow.join(', ') || 'none'],
    ['denied models', models.deny.join(', ') || '-'],
    ...Object.entries(limits).flatMap(([name, limit]): [string, string][] =>
      limit === null ? [] : [[name, `${limit}`]],
    ),
    ...rules.map((rule): [string, string] => ['rule', JSON.stringify(rule)]),
    ...Object.entries(metadata),
    ['created', level.created_at ?? '-'],
    ['changed', level.updated_at ?? '-'],
  ]
  return renderTable([...rows, ...more])
}

function cellsOf({ id, name, enabled, owner, organization, team, limits, budgets, tags }: LevelAnswer): string[] {
  const within = [
    ...(team === null ? [] : [`team:${team}`]),
    ...(organization === null ? [] : [`organization:${organization}`]),
  ]
  const rate = limits.requests_per_minute === null ? '-' : `${limits.requests_per_minute}/min`
  const state = enabled ? 'enabled' : 'disabled'
  return [
    id,
    name,
    state,
    owner,
    within.join(', ') || '-',
    rate,
    budgets.map(budgetText).join(', ') || '-',
    tags.join(', ') || '-',
  ]
}
