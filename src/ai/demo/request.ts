import { isObject } from '../../lib/index.ts'
import { type ApiError, invalidRequest, notFound } from './api-error.ts'
import { bodyCheck } from './body-check.ts'
import { findBrokenTurn, findContradiction } from './contradictions.ts'
import { behaviourOf, type DemoBehaviour } from './models.ts'
import type { Body, ConversationRequest } from './request-types.ts'

/** Reads the body of a chat completion; gives the error that the API would answer with when something is wrong. */
export function readRequest(
  bytes: Buffer | null,
): { readonly ok: true; readonly request: ConversationRequest } | { readonly ok: false; readonly error: ApiError } {
  let value: unknown
  try {
    value = JSON.parse(bytes === null ? '' : bytes.toString())
  } catch {
    return refuse(
      invalidRequest(
        'We could not parse the JSON body of your request. (HINT: This likely means you are not using your HTTP library correctly. The API expects a JSON payload, but what was sent was not valid JSON.)',
      ),
    )
  }
  if (!isObject(value)) return refuse(invalidRequest('The body of the request must be a JSON object.'))
  if (!Object.hasOwn(value, 'model')) return refuse(invalidRequest('you must provide a model parameter'))
  if (typeof value['model'] === 'string' && behaviourOf(value['model']) === null) {
    const shown = value['model'].slice(0, 128)
    return refuse(notFound(`The model \`${shown}\` does not exist or you do not have access to it.`, 'model_not_found'))
  }
  const wrong = bodyCheck(value, '')
  if (wrong !== null) return refuse(wrong)
  const body = value as unknown as Body // every member was checked just now
  const contradiction = findContradiction(body) ?? findBrokenTurn(body.messages)
  if (contradiction !== null) return refuse(contradiction)
  const behaviour = behaviourOf(body.model)
  if (behaviour === null) return refuse(notFound('The model does not exist.', 'model_not_found'))
  if (behaviour.kind === 'embedding' || behaviour.kind === 'moderation') {
    return refuse(
      notFound('This is not a chat model and thus not supported in the v1/chat/completions endpoint.', null),
    )
  }
  return { ok: true, request: fillIn(body, behaviour) }
}

function refuse(error: ApiError): { readonly ok: false; readonly error: ApiError } {
  return { ok: false, error }
}

function fillIn(body: Body, behaviour: DemoBehaviour): ConversationRequest {
  const { stop, tool_choice: choice, response_format: format } = body
  const tools = body.tools ?? []
  return {
    model: body.model,
    behaviour,
    messages: body.messages,
    stream: body.stream ?? false,
    includeUsage: body.stream_options?.include_usage ?? false,
    maxTokens: body.max_completion_tokens ?? body.max_tokens ?? Number.POSITIVE_INFINITY,
    stop: (typeof stop === 'string' ? [stop] : (stop ?? [])).filter((each) => each !== ''),
    choices: body.n ?? 1,
    tools,
    toolChoice: typeof choice === 'object' && choice !== null ? { forced: choice.function.name } : (choice ?? 'auto'),
    parallelToolCalls: body.parallel_tool_calls ?? true,
    answerSchema:
      format?.type === 'json_schema' ? (format.json_schema?.schema ?? {}) : format?.type === 'json_object' ? {} : null,
  }
}
