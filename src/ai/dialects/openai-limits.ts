import { createHash } from 'node:crypto'
import { isObject } from '../ir/json.ts'
import type { Losses } from '../ir/losses.ts'
import type { FunctionTool, ModelRequest, Tool } from '../ir/request.ts'

/** API reference, `user` and `safety_identifier`, 2026-11: longer ones are refused. OpenRouter takes 128, others say nothing. */
const LONGEST_USER = 64

/**
 * A request of another dialect with a user's name that servers of OpenAI's dialects take: one that is too long (those of coding
 * agents are) becomes its digest, the same for the same user.
 */
export function withShortUser(request: ModelRequest, losses: Losses): ModelRequest {
  const { user } = request.parameters
  if (user === undefined || user.length <= LONGEST_USER || request.dialect.startsWith('openai')) return request
  losses.adapt('user')
  return { ...request, parameters: { ...request.parameters, user: createHash('sha256').update(user).digest('hex') } }
}

/** A request of another dialect within OpenAI's own limits, which its clients know: a schema that it cannot hold is followed freely. */
export function withinOpenAI(request: ModelRequest, losses: Losses): ModelRequest {
  if (request.dialect.startsWith('openai')) return request
  const { output } = request.parameters
  let { tools, parameters } = request
  if (output?.type === 'json-schema' && output.strict === true && !isClosed(output.schema)) {
    losses.drop('response_format.strict')
    parameters = { ...parameters, output: { ...output, strict: false } }
  }
  if (tools.some(isUnheld)) {
    losses.drop('tools[].strict')
    tools = tools.map((tool) => (isUnheld(tool) ? { ...tool, strict: false } : tool))
  }
  return { ...request, tools, parameters }
}

/** A tool whose calls shall be held to a schema of which the vendor has no such form. */
function isUnheld(tool: Tool): tool is FunctionTool {
  if (tool.type !== 'function' || tool.strict !== true) return false
  return tool.parameters === undefined || !isClosed(tool.parameters)
}

/** Keywords whose values are no schemas. */
const VALUES: ReadonlySet<string> = new Set(['enum', 'const', 'default', 'examples'])

/**
 * Whether each object of a schema names all its members, requires each, and takes no others, as the vendor wants it ("Structured
 * outputs: supported schemas", 2026-11).
 */
function isClosed(schema: unknown): boolean {
  if (Array.isArray(schema)) return schema.every(isClosed)
  if (!isObject(schema)) return true
  const { type, properties, required, additionalProperties: further } = schema
  if (type === 'object' && further !== false) return false
  if (type === 'object' && isObject(properties)) {
    const named: readonly unknown[] = Array.isArray(required) ? required : []
    const wanted = new Set(named)
    if (!Object.keys(properties).every((name) => wanted.has(name))) return false
  }
  return Object.entries(schema).every(([name, value]) => {
    // Names of members are no keywords.
    if (name === 'properties' || name === '$defs' || name === 'definitions') {
      return !isObject(value) || Object.values(value).every(isClosed)
    }
    return VALUES.has(name) || isClosed(value)
  })
}
