import { FieldProblem, type Fields } from '../../ir/fields.ts'
import { isObject, type JsonObject } from '../../ir/json.ts'
import { leftOver } from '../../ir/losses.ts'
import type { Effort, ModelRequest, OutputFormat, Parameters, ReasoningRequest } from '../../ir/request.ts'
import { toJsonSchema } from './schema-choice.ts'
import { camelMember, camelMembers } from './spelling.ts'

export interface DecodedConfig {
  readonly parameters: Parameters
  readonly extra: JsonObject | undefined
}

/** Reads `generationConfig`. What only this vendor knows stays in `extra`. */
export function decodeGenerationConfig(config: Fields | undefined): DecodedConfig {
  if (config === undefined) return { parameters: {}, extra: undefined }
  const reasoning = decodeThinking(camelMember(config, 'thinkingConfig'))
  const speech = decodeSpeech(config)
  const parameters: Parameters = {
    maxOutputTokens: config.integer('maxOutputTokens'),
    temperature: config.number('temperature'),
    topP: config.number('topP'),
    topK: config.number('topK'),
    frequencyPenalty: config.number('frequencyPenalty'),
    presencePenalty: config.number('presencePenalty'),
    seed: config.integer('seed'),
    stop: config.strings('stopSequences'),
    choices: config.integer('candidateCount'),
    logprobs: decodeLogprobs(config),
    reasoning: reasoning.request,
    output: decodeOutput(config),
    modalities: config.strings('responseModalities')?.map((word) => word.toLowerCase()),
    audioOutput: speech.voice === undefined ? undefined : { voice: speech.voice },
  }
  const extra = {
    ...config.rest(),
    ...(reasoning.rest !== undefined && { thinkingConfig: reasoning.rest }),
    ...(speech.rest !== undefined && { speechConfig: speech.rest }),
  }
  return { parameters: present(parameters), extra: Object.keys(extra).length > 0 ? leftOver(extra) : undefined }
}

function present(parameters: Parameters): Parameters {
  return Object.fromEntries(Object.entries(parameters).filter(([, value]) => value !== undefined))
}

function decodeLogprobs(config: Fields): Parameters['logprobs'] {
  const wanted = config.boolean('responseLogprobs')
  const top = config.integer('logprobs')
  return wanted === true ? { top: top ?? 0 } : undefined
}

const LEVELS: Readonly<Record<string, Effort>> = { MINIMAL: 'minimal', LOW: 'low', MEDIUM: 'medium', HIGH: 'high' }

interface Thinking {
  readonly request: ReasoningRequest | undefined
  readonly rest: JsonObject | undefined
}

/** A budget of 0 turns thinking off, one of -1 leaves it to the model. */
function decodeThinking(thinking: Fields | undefined): Thinking {
  if (thinking === undefined) return { request: undefined, rest: undefined }
  const shown = thinking.boolean('includeThoughts')
  const budget = thinking.integer('thinkingBudget')
  const level = thinking.string('thinkingLevel')?.toUpperCase()
  if (level !== undefined && budget !== undefined) {
    throw new FieldProblem(thinking.at('thinkingBudget'), 'thinkingBudget and thinkingLevel cannot be set together')
  }
  const effort = level === undefined ? undefined : LEVELS[level]
  if (level !== undefined && effort === undefined && level !== 'THINKING_LEVEL_UNSPECIFIED') {
    throw thinking.problem('thinkingLevel', 'one of "MINIMAL", "LOW", "MEDIUM", "HIGH"')
  }
  const request: ReasoningRequest = {
    ...(effort !== undefined && { effort }),
    ...(budget !== undefined && budgetRequest(budget)),
    ...(shown !== undefined && { summary: shown ? 'auto' : 'none' }),
  }
  return { request: Object.keys(request).length > 0 ? request : undefined, rest: thinking.rest() }
}

function budgetRequest(budget: number): ReasoningRequest {
  if (budget === 0) return { mode: 'disabled' }
  return budget < 0 ? { mode: 'adaptive' } : { mode: 'enabled', budgetTokens: budget }
}

/** Names of schemas that have none here: they tell which of the vendor's two members held them. */
export const SCHEMA_NAMES = { responseSchema: 'response_schema', responseJsonSchema: 'response' } as const

function decodeOutput(config: Fields): OutputFormat | undefined {
  const type = config.string('responseMimeType')
  const own = config.object('responseSchema')
  const json = config.value('responseJsonSchema')
  if (json !== undefined && !isObject(json)) throw config.problem('responseJsonSchema', 'an object')
  if (own !== undefined && json !== undefined) {
    throw new FieldProblem(config.at('responseJsonSchema'), 'responseSchema must be absent when it is set')
  }
  if (type === undefined && own === undefined && json === undefined) return undefined
  if (type === 'text/plain') return { type: 'text' }
  if (type === 'text/x.enum' && own !== undefined) {
    return { type: 'json-schema', name: ENUM_NAME, schema: toJsonSchema(own) }
  }
  if (type !== undefined && type !== 'application/json') {
    throw config.problem('responseMimeType', '"text/plain", "application/json" or "text/x.enum"')
  }
  if (json !== undefined) return { type: 'json-schema', name: SCHEMA_NAMES.responseJsonSchema, schema: json }
  if (own !== undefined) return { type: 'json-schema', name: SCHEMA_NAMES.responseSchema, schema: toJsonSchema(own) }
  return { type: 'json' }
}

/** The answer is one bare word of an enum. */
export const ENUM_NAME = 'response_enum'

interface Speech {
  readonly voice: string | undefined
  readonly rest: JsonObject | undefined
}

/** One voice that the vendor has ready is what others can have, too; everything else stays as it is. */
function decodeSpeech(config: Fields): Speech {
  const speech = config.object('speechConfig')
  if (speech === undefined) return { voice: undefined, rest: undefined }
  const voice = only(only(only(speech, 'voiceConfig'), 'prebuiltVoiceConfig'), 'voiceName')
  return typeof voice === 'string' ? { voice, rest: undefined } : { voice: undefined, rest: speech }
}

/** The member of an object that has no other. */
function only(value: unknown, name: string): unknown {
  if (!isObject(value)) return undefined
  const members = camelMembers(value)
  return Object.keys(members).length === 1 ? members[name] : undefined
}

/** Refuses, for an upstream of any other dialect, the one form of output that only this vendor has: a word without quotes. */
export function refuseBareWords({ parameters: { output } }: ModelRequest): void {
  if (output?.type !== 'json-schema' || output.name !== ENUM_NAME) return
  const text = 'text/x.enum is known to Gemini only: ask for application/json with an enum in the schema'
  throw new FieldProblem('generationConfig.responseMimeType', text)
}
