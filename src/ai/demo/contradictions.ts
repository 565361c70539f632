import { type ApiError, invalidRequest } from './api-error.ts'
import { type Body, type Message, textOf } from './request-types.ts'

/** Parameters that are right alone and wrong together. */
export function findContradiction(body: Body): ApiError | null {
  if (body.max_tokens != null && body.max_completion_tokens != null) {
    return invalidRequest(
      "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.",
      'max_tokens',
      'invalid_parameter_combination',
    )
  }
  if (body.stream_options != null && body.stream !== true) {
    return invalidRequest("The 'stream_options' parameter is only allowed when 'stream' is enabled.", 'stream_options')
  }
  if (body.tool_choice != null && body.tools == null) {
    return invalidRequest(
      "Invalid value for 'tool_choice': 'tool_choice' is only allowed when 'tools' are specified.",
      'tool_choice',
    )
  }
  if (body.parallel_tool_calls != null && body.tools == null) {
    return invalidRequest(
      "Invalid value for 'parallel_tool_calls': 'parallel_tool_calls' is only allowed when 'tools' are specified.",
      'parallel_tool_calls',
    )
  }
  const choice = body.tool_choice
  if (typeof choice === 'object' && choice !== null) {
    const { name } = choice.function
    if (!(body.tools ?? []).some((tool) => tool.function.name === name)) {
      return invalidRequest(`Tool choice '${name}' not found in 'tools' parameter.`, 'tool_choice')
    }
  }
  if (body.response_format?.type === 'json_object' && !body.messages.some((m) => /json/i.test(textOf(m)))) {
    return invalidRequest(
      "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'.",
      'messages',
    )
  }
  return null
}

/** Every tool call must have its answer, and every answer its call. */
export function findBrokenTurn(messages: readonly Message[]): ApiError | null {
  let open = new Set<string>()
  let inTurn = false
  for (const [i, each] of messages.entries()) {
    if (each.role === 'tool') {
      if (!inTurn) {
        return invalidRequest(
          "Invalid parameter: messages with role 'tool' must be a response to a preceding message with 'tool_calls'.",
          `messages[${i}].role`,
        )
      }
      if (!open.delete(each.tool_call_id ?? '')) {
        return invalidRequest(
          `Invalid parameter: 'tool_call_id' of '${(each.tool_call_id ?? '').slice(0, 64)}' not found in 'tool_calls' of previous message.`,
          `messages[${i}].tool_call_id`,
        )
      }
      continue
    }
    if (open.size > 0) return unanswered(open, i)
    if (each.role === 'assistant' && each.content == null && each.tool_calls == null) {
      return invalidRequest(
        `Invalid value for 'content': expected a string, got null.`,
        `messages[${i}].content`,
        'invalid_type',
      )
    }
    open = new Set((each.tool_calls ?? []).map((call) => call.id))
    inTurn = open.size > 0
  }
  return open.size > 0 ? unanswered(open, messages.length) : null
}

function unanswered(open: ReadonlySet<string>, before: number): ApiError {
  const ids = [...open].map((id) => id.slice(0, 64)).join(', ')
  return invalidRequest(
    `An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. The following tool_call_ids did not have response messages: ${ids}`,
    `messages[${before - 1}].role`,
  )
}
