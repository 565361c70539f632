import type { DialectName } from '../dialects/name.ts'
import type { Endpoint } from './endpoint.ts'
import { ANTHROPIC_HEADERS, OPENAI_HEADERS, PLAIN_HEADERS } from './forwarded-headers.ts'
import type { ProviderRow } from './table.ts'

const PATHS: Readonly<Partial<Record<DialectName, string>>> = {
  'openai-chat': '/chat/completions',
  'openai-responses': '/responses',
  'openai-completions': '/completions',
  'anthropic-messages': '/messages',
}

/** The ways to hold a conversation with a provider's models; the one that translations use comes first. */
export function endpointsOf(row: ProviderRow, root: string): readonly Endpoint[] {
  return row.dialects.map((dialect): Endpoint => {
    const suffix = PATHS[dialect]
    if (suffix === undefined) throw new Error(`${row.kind} has no path for ${dialect}`)
    const path = `${root}${suffix}`
    return {
      dialect,
      path: () => path,
      modelInBody: true,
      quirks: row.quirks,
      habits: row.habits,
      headers: row.headers,
      forwards: headersOf(dialect),
    }
  })
}

function headersOf(dialect: DialectName): ReadonlySet<string> {
  if (dialect === 'anthropic-messages') return ANTHROPIC_HEADERS
  return dialect.startsWith('openai-') ? OPENAI_HEADERS : PLAIN_HEADERS
}
