import { isObject, type JsonObject } from '../../ir/json.ts'
import type { ModelRequest } from '../../ir/request.ts'
import { builtinPath, reportUncarried } from '../carried.ts'
import type { EncodeContext } from '../dialect.ts'
import { CARRIES } from './carries.ts'
import { encodeMessages } from './encode-messages.ts'
import { encodeParameters } from './parameters.ts'

/** The body of `POST /api/chat`. */
export function encodeRequest(request: ModelRequest, context: EncodeContext): JsonObject {
  reportUncarried(request, 'ollama', CARRIES, context.losses)
  // The server's own words, which clients of other dialects add to theirs; nobody else has these names.
  const { keep_alive: keepAlive, options: more, ...rest } = request.extra ?? {}
  context.losses.dropAll('', rest)
  const { options, ...parameters } = encodeParameters(request, context)
  const merged = { ...(isObject(more) ? more : {}), ...(isObject(options) ? options : {}) }
  const tools = encodeTools(request, context)
  return {
    model: context.model,
    messages: encodeMessages(request, context),
    // Streaming is what happens unless it is refused.
    stream: request.stream,
    ...(tools.length > 0 && { tools }),
    ...parameters,
    ...(Object.keys(merged).length > 0 && { options: merged }),
    ...(keepAlive !== undefined && { keep_alive: keepAlive }),
  }
}

/** Models call as they like: only not calling at all can be asked for, by leaving the tools out. */
function encodeTools({ tools, toolChoice }: ModelRequest, { losses }: EncodeContext): readonly JsonObject[] {
  if (toolChoice?.type === 'none') {
    if (tools.length > 0) losses.adapt('tool_choice')
    return []
  }
  if (toolChoice !== undefined && toolChoice.type !== 'auto') losses.drop('tool_choice')
  const allowed = toolChoice?.type === 'allowed' ? new Set(toolChoice.names) : null
  const out: JsonObject[] = []
  for (const tool of tools) {
    if (tool.type !== 'function') {
      if (tool.type === 'builtin') losses.drop(builtinPath(tool))
      continue
    }
    if (allowed !== null && !allowed.has(tool.name)) continue
    out.push({
      type: 'function',
      function: {
        name: tool.name,
        ...(tool.description !== undefined && { description: tool.description }),
        parameters: { type: 'object', properties: {}, ...tool.parameters },
      },
    })
  }
  return out
}
