import { isObject, type JsonObject } from '../../ir/json.ts'
import type { ModelRequest } from '../../ir/request.ts'
import { reportUncarried } from '../carried.ts'
import type { EncodeContext } from '../dialect.ts'
import { CachePoints } from './cache-points.ts'
import { CARRIES } from './carries.ts'
import { encodeConversation } from './encode-messages.ts'
import { DocumentNames } from './media.ts'
import { modelFields } from './model-fields.ts'
import { encodeParameters } from './parameters.ts'
import { encodeToolConfig } from './tools.ts'

/** Members of a body that clients of any dialect may give in Converse's own words, as further members of their own. */
const OWN_WORDS: ReadonlySet<string> = new Set([
  'guardrailConfig',
  'performanceConfig',
  'requestMetadata',
  'promptVariables',
  'additionalModelRequestFields',
  'additionalModelResponseFieldPaths',
])

/** The body of `POST /model/{id}/converse` and of `converse-stream`: the path names the model, and which of both it is. */
export function encodeRequest(request: ModelRequest, context: EncodeContext): JsonObject {
  const { losses, capabilities } = context
  reportUncarried(request, 'bedrock-converse', CARRIES, losses)
  const points = new CachePoints(losses)
  const toolConfig = encodeToolConfig(request, points, losses)
  const writing = { losses, points, names: new DocumentNames(), family: capabilities.family }
  const { system, messages } = encodeConversation(request, writing)
  points.bound()
  const { fields, maxTokens, thinking } = modelFields(request, context)
  const inference: Record<string, unknown> = maxTokens === undefined ? {} : { maxTokens }
  const body: Record<string, unknown> = { messages }
  if (system.length > 0) body['system'] = system
  encodeParameters(request.parameters, {
    inference,
    body,
    losses,
    thinking,
    claude: capabilities.family === 'anthropic',
    hasTemperature: request.parameters.temperature !== undefined,
  })
  if (Object.keys(inference).length > 0) body['inferenceConfig'] = inference
  if (toolConfig !== undefined) body['toolConfig'] = toolConfig
  if (Object.keys(fields).length > 0) body['additionalModelRequestFields'] = fields
  addOwnWords(body, request, context)
  return body
}

function addOwnWords(body: Record<string, unknown>, { extra }: ModelRequest, { losses }: EncodeContext): void {
  if (extra === undefined) return
  for (const [name, value] of Object.entries(extra)) {
    if (!OWN_WORDS.has(name)) losses.drop(name)
    else body[name] = isObject(value) && isObject(body[name]) ? { ...body[name], ...value } : value
  }
}
