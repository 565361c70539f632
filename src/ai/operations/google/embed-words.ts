import { FieldProblem } from '../../ir/fields.ts'
import { isObject, type JsonObject } from '../../ir/json.ts'
import { inside } from '../codecs/embeddings.ts'
import { TASKS } from '../codecs/gemini-embeddings.ts'

/** The two methods of Google's API that embed (Gemini API, "models.embedContent", "models.batchEmbedContents", 2026-11). */
export type EmbedMethod = 'embedContent' | 'batchEmbedContents'

/** A request of Google's clients for vectors. */
export interface EmbedRequest {
  readonly method: EmbedMethod
  /** As the client said it. */
  readonly body: JsonObject
  /** The same in OpenAI's words, without the model; an error where they have none for it. */
  readonly told: JsonObject | FieldProblem
  /** What of it those words do not say. */
  readonly lost: readonly string[]
  /** Bytes that the model reads. */
  readonly textBytes: number
}

const INPUT_TYPES = new Map(Object.entries(TASKS).map(([ours, theirs]) => [theirs, ours]))

/** Reads a body; throws a FieldProblem for one that is wrong in this dialect. */
export function readEmbedRequest(method: EmbedMethod, body: JsonObject): EmbedRequest {
  const requests = method === 'embedContent' ? [body] : body['requests']
  if (!Array.isArray(requests) || requests.length === 0)
    throw new FieldProblem('requests', 'expected a list of requests')
  const lost = new Set<string>()
  const read = requests.map((request: unknown, at) =>
    readOne(request, method === 'embedContent' ? '' : `requests[${at}].`, lost),
  )
  const textBytes = read.reduce((bytes, { text }) => bytes + Buffer.byteLength(text ?? ''), 0)
  return { method, body, told: told(read), lost: [...lost], textBytes }
}

interface OneRequest {
  /** Null: it holds something that is no text. */
  readonly text: string | null
  readonly task: unknown
  readonly dimensions: unknown
}

const READ = new Set(['model', 'content', 'taskType', 'task_type', 'outputDimensionality', 'output_dimensionality'])

function readOne(request: unknown, place: string, lost: Set<string>): OneRequest {
  if (!isObject(request)) throw new FieldProblem(place.slice(0, -1), 'expected an object')
  const { content } = request
  const parts = inside(content, 'parts')
  if (!Array.isArray(parts) || parts.length === 0) {
    throw new FieldProblem(`${place}content.parts`, 'expected a list of parts')
  }
  for (const name of Object.keys(request)) if (!READ.has(name)) lost.add(name)
  const texts = parts.map((part: unknown) => inside(part, 'text'))
  return {
    text: texts.every((text) => typeof text === 'string') ? texts.join('\n') : null,
    task: request['taskType'] ?? request['task_type'],
    dimensions: request['outputDimensionality'] ?? request['output_dimensionality'],
  }
}

function told(requests: readonly OneRequest[]): JsonObject | FieldProblem {
  const [first] = requests
  const texts = requests.map(({ text }) => text)
  if (first === undefined || texts.includes(null)) {
    return new FieldProblem('content.parts', 'this model makes vectors of text alone')
  }
  if (requests.some(({ task, dimensions }) => task !== first.task || dimensions !== first.dimensions)) {
    return new FieldProblem('requests', 'this model makes all vectors of a request for one task and of one size')
  }
  const { task, dimensions } = first
  return {
    input: texts,
    ...(dimensions === undefined ? {} : { dimensions }),
    ...(typeof task === 'string' ? { input_type: INPUT_TYPES.get(task) ?? task } : {}),
  }
}

/** The client's own request for a model of Google's, by its name there. */
export function nativeBody({ method, body }: EmbedRequest, model: string): JsonObject {
  const named = `models/${model}`
  if (method === 'embedContent') return 'model' in body ? { ...body, model: named } : body
  const { requests } = body
  if (!Array.isArray(requests)) return body
  return {
    ...body,
    requests: requests.map((request: unknown) => ({ ...(isObject(request) ? request : {}), model: named })),
  }
}

/** An answer in OpenAI's words as Google's clients read it. */
export function embedAnswer({ method }: EmbedRequest, { data, usage }: JsonObject): JsonObject {
  const vectors = Array.isArray(data) ? data.map((entry: unknown) => ({ values: inside(entry, 'embedding') })) : []
  const tokens = inside(usage, 'prompt_tokens')
  return {
    ...(method === 'embedContent' ? { embedding: vectors[0] ?? {} } : { embeddings: vectors }),
    ...(typeof tokens === 'number' ? { usageMetadata: { promptTokenCount: tokens } } : {}),
  }
}

/** An answer of Google's in OpenAI's words, as far as it is counted; null for what is no answer. */
export function countedAnswer({ method }: EmbedRequest, answer: JsonObject): JsonObject | null {
  const vector = method === 'embedContent' ? inside(answer['embedding'], 'values') : answer['embeddings']
  if (!Array.isArray(vector)) return null
  const tokens = inside(answer['usageMetadata'], 'promptTokenCount')
  return typeof tokens === 'number' ? { usage: { prompt_tokens: tokens, total_tokens: tokens } } : {}
}
