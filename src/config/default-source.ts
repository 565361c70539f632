import { applySchema } from './explain.ts'

/** The text of `default-document.ts`: what the schema makes of an empty file, as source. */
export function renderDefaultDocument(): string {
  const result = applySchema({})
  if (!result.ok) throw new Error('the schema must accept an empty document')
  return `${HEAD}const DEFAULTS: ConfigDocument = ${literal(result.document, '')}\n${TAIL}`
}

const HEAD = `// Generated from the schema by \`npm run gen\`: a start without a file needs no schema library, which weighs 15 MB.
import { freezeDeep } from './freeze.ts'
import type { ConfigDocument } from './schema.ts'

`

const TAIL = `
/** The document of a start without a file: every default, and no providers, models or keys. Frozen. */
export function defaultDocument(): ConfigDocument {
  return freezeDeep(structuredClone(DEFAULTS))
}
`

function literal(value: unknown, indent: string): string {
  if (typeof value === 'string') return `'${value.replaceAll(/['\\]/g, '\\$&')}'`
  if (Array.isArray(value) && value.length === 0) return '[]'
  if (Array.isArray(value)) return `[${value.map((item) => literal(item, indent)).join(', ')}]`
  if (typeof value !== 'object' || value === null) return String(value).replaceAll(/\B(?=(?:\d{3})+$)/g, '_')
  const entries = Object.entries(value)
  if (entries.length === 0) return '{}'
  const lines = entries.map(([name, inner]) => `${indent}  ${name}: ${literal(inner, `${indent}  `)},\n`)
  return `{\n${lines.join('')}${indent}}`
}
