import * as z from 'zod'
import { documentSchema } from './schema.ts'

/** A JSON Schema (draft 2020-12), as far as the reference reads it. */
export interface JsonSchema {
  readonly $ref?: string
  readonly $defs?: Readonly<Record<string, JsonSchema>>
  readonly description?: string
  readonly type?: string
  readonly const?: string | number | boolean
  readonly enum?: readonly (string | number | boolean)[]
  readonly default?: unknown
  readonly minimum?: number
  readonly maximum?: number
  readonly anyOf?: readonly JsonSchema[]
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly required?: readonly string[]
  readonly items?: JsonSchema
  readonly propertyNames?: JsonSchema
  readonly additionalProperties?: JsonSchema | boolean
}

/** The JSON Schema of a configuration file as a person writes it, for editors. */
export function jsonSchema(): JsonSchema {
  const { $schema, ...rest } = z.toJSONSchema(documentSchema, { io: 'input' })
  const schema = { $schema, $id: 'urn:ferro-gateway:config', title: 'Ferro Gateway configuration', ...rest }
  // What zod writes is a JSON Schema; the interface names the keywords that the reference reads.
  return schema as JsonSchema
}

/** The text of `config/schema.json`. */
export function renderJsonSchema(): string {
  const text = JSON.stringify(jsonSchema(), null, 2)
  // Lists of plain values go on one line, as the formatter of the repository has them.
  return `${text.replaceAll(/\[\s+([^[\]{}]+?)\s+\]/g, (_list, items: string) => `[${items.replaceAll(/,\s+/g, ', ')}]`)}\n`
}
