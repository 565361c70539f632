import type { Fields } from '../ir/fields.ts'
import type { JsonObject } from '../ir/json.ts'
import type { Losses } from '../ir/losses.ts'
import type { OutputFormat } from '../ir/request.ts'

/** Where the schema stands: in an object of its own (`response_format` of Chat Completions), or beside the type (Responses). */
export type SchemaPlace = 'nested' | 'beside'

/** What a client says of the form of its answer. */
export function decodeOutputFormat(format: Fields, place: SchemaPlace, losses: Losses): OutputFormat {
  const type = format.oneOf('type', ['text', 'json_object', 'json_schema'] as const)
  switch (type) {
    case undefined:
      throw format.problem('type', 'one of "text", "json_object", "json_schema"')
    case 'text':
      return { type: 'text' }
    case 'json_object':
      return { type: 'json' }
    case 'json_schema': {
      const named = place === 'nested' ? format.fields('json_schema') : format
      if (named === undefined) throw format.problem('json_schema', 'an object')
      const output: OutputFormat = {
        type: 'json-schema',
        name: named.text('name'),
        description: named.string('description'),
        schema: named.object('schema') ?? {},
        strict: named.boolean('strict'),
      }
      named.report(losses)
      return output
    }
  }
}

/** The same for an upstream. */
export function encodeOutputFormat(output: OutputFormat, place: SchemaPlace): JsonObject {
  switch (output.type) {
    case 'text':
      return { type: 'text' }
    case 'json':
      return { type: 'json_object' }
    case 'json-schema': {
      const { name, description, schema, strict } = output
      const described = description === undefined ? {} : { description }
      const said = { name, ...described, schema, ...(strict === undefined ? {} : { strict }) }
      return place === 'nested' ? { type: 'json_schema', json_schema: said } : { type: 'json_schema', ...said }
    }
  }
}
