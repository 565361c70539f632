import { type JsonSchema, jsonSchema } from './json-schema.ts'
import { REFERENCE_FORMS } from './reference.ts'

interface Row {
  readonly key: string
  readonly type: string
  readonly fallback: string
  readonly meaning: string
}

/** The text of `docs/configuration.md`: every key with type, default and meaning, one table per section. */
export function renderReference(): string {
  const schema = jsonSchema()
  const sections = Object.entries(schema.properties ?? {})
  const single = sections.filter(([, section]) => !isSection(section))
  const tables = sections.filter(([, section]) => isSection(section))
  return [
    '# Configuration',
    INTRODUCTION,
    '## Kinds of values',
    table(
      ['Kind', 'Written as'],
      Object.entries(schema.$defs ?? {}).map(([name, { description = '' }]) => [name, description]),
    ),
    ...kindTables(schema.$defs ?? {}),
    '## Top level',
    rowsTable(single.map(([name, section]) => rowOf(name, section, schema.required?.includes(name) ?? false))),
    ...tables.flatMap(([name, section]) => {
      const rows = rowsBelow(name, section)
      const title = [`## \`${name}\``, `${section.description ?? ''} Type: ${typeOf(section)}.`]
      return rows.length === 0 ? title : [...title, rowsTable(rows)]
    }),
  ]
    .join('\n\n')
    .concat('\n')
}

const INTRODUCTION = `<!-- Generated from the schema in src/config by \`npm run gen\`. -->

One file, in YAML, JSON (comments allowed) or TOML; all three say the same. \`ferro run --config ferro.yaml\` uses it,
\`ferro validate\` checks it. Without \`--config\`, \`ferro.yaml\`, \`ferro.yml\`, \`ferro.json\` and \`ferro.toml\` are looked for
in the working directory. [config/example.yaml](../config/example.yaml) shows most keys;
[config/schema.json](../config/schema.json) is the JSON Schema for editors: name it in \`$schema\`, or in YAML in a comment
\`# yaml-language-server: $schema=…\`.

A key that is not on this page is an error. All errors are reported at once, each with file, line, column and key.

Secrets stay outside the file: where a kind below is \`reference-text\` or \`base-url\`, these forms stand for a value kept
elsewhere: ${REFERENCE_FORMS}.
The first three name an environment variable and may stand anywhere in the text; the last is the whole text, and names a file of at most 64 KiB, whose trailing line break is dropped. They are
resolved when the value is needed. A variable that is unset or empty, and a file that is empty or cannot be read, is an
error.`

/** The keys of kinds that may be mappings. */
function kindTables(kinds: Readonly<Record<string, JsonSchema>>): string[] {
  return Object.entries(kinds).flatMap(([name, kind]) => {
    const rows = rowsBelow(name, kind)
    return rows.length === 0
      ? []
      : [`As a mapping, \`${name}\` has one of these keys, and what goes with it:`, rowsTable(rows)]
  })
}

function isSection(schema: JsonSchema): boolean {
  return schema.type === 'object' || schema.type === 'array'
}

function rowsBelow(key: string, schema: JsonSchema): Row[] {
  if (schema.properties !== undefined) {
    return Object.entries(schema.properties).flatMap(([name, inner]) => [
      rowOf(`${key}.${name}`, inner, schema.required?.includes(name) ?? false),
      ...rowsBelow(`${key}.${name}`, inner),
    ])
  }
  if (schema.anyOf !== undefined) return rowsOfForms(key, schema.anyOf)
  if (schema.items !== undefined) return rowsBelow(`${key}[]`, schema.items)
  if (typeof schema.additionalProperties !== 'object') return []
  return rowsBelow(`${key}.<name>`, schema.additionalProperties)
}

/** A key of several forms is listed once; of one value or a list of such, it is the list's. */
function rowsOfForms(key: string, forms: readonly JsonSchema[]): Row[] {
  const listed = forms.flatMap(({ items }) => (items === undefined ? [] : [JSON.stringify(items)]))
  const rows = forms.filter((form) => !listed.includes(JSON.stringify(form))).flatMap((form) => rowsBelow(key, form))
  return [...new Map(rows.toReversed().map((row) => [row.key, row])).values()].toReversed()
}

function rowOf(key: string, schema: JsonSchema, isRequired: boolean): Row {
  const hasDefault = schema.default !== undefined && schema.type !== 'object'
  const fallback = hasDefault ? `\`${JSON.stringify(schema.default).replaceAll('"', '')}\`` : ''
  return { key, type: typeOf(schema), fallback: isRequired ? 'required' : fallback, meaning: schema.description ?? '' }
}

function typeOf(schema: JsonSchema): string {
  if (schema.$ref !== undefined) return schema.$ref.replace('#/$defs/', '')
  if (schema.const !== undefined) return `\`${String(schema.const)}\``
  if (schema.enum !== undefined) return schema.enum.map((value) => `\`${String(value)}\``).join(', ')
  if (schema.anyOf !== undefined) return schema.anyOf.map(typeOf).join(' or ')
  if (schema.type === 'array') return `list of ${schema.items === undefined ? 'values' : typeOf(schema.items)}`
  if (schema.type === 'object') return mappingOf(schema)
  if (schema.type === 'integer') return `whole number${rangeOf(schema)}`
  if (schema.type === 'number') return `number${rangeOf(schema)}`
  return schema.type === 'boolean' ? '`true`, `false`' : 'text'
}

function mappingOf({ propertyNames, additionalProperties: inner }: JsonSchema): string {
  if (propertyNames === undefined || typeof inner !== 'object') return 'mapping'
  return `mapping of ${typeOf(propertyNames)} to ${typeOf(inner)}`
}

function rangeOf({ minimum, maximum }: JsonSchema): string {
  if (minimum === undefined) return ''
  return maximum === undefined || maximum === Number.MAX_SAFE_INTEGER
    ? `, at least ${minimum}`
    : `, ${minimum} to ${maximum}`
}

function rowsTable(rows: readonly Row[]): string {
  return table(
    ['Key', 'Type', 'Default', 'Meaning'],
    rows.map(({ key, type, fallback, meaning }) => [`\`${key}\``, type, fallback, meaning]),
  )
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}
