import { FieldProblem } from '../../ir/fields.ts'
import type { JsonObject } from '../../ir/json.ts'
import type { Losses } from '../../ir/losses.ts'
import { PARAMETER_NAMES, type ParameterName } from '../../ir/parameter-names.ts'
import type { ModelRequest, Parameters } from '../../ir/request.ts'
import { reportUncarried } from '../carried.ts'
import type { EncodeContext } from '../dialect.ts'
import { turnsOf } from '../openai-completions/prompts.ts'
import { CARRIES } from './carries.ts'

/** What starts a prediction: the model as its `version`, and one prompt. */
export function encodeRequest(request: ModelRequest, { model, losses }: EncodeContext): JsonObject {
  if (request.tools.length > 0) throw new FieldProblem('tools', 'this model completes texts, and takes no tools')
  reportUncarried(request, 'replicate', CARRIES, losses)
  const said = turnsOf(request, losses)
  const system = said.filter(({ role }) => role === 'system').map(({ text }) => text)
  const turns = said.filter(({ role }) => role !== 'system')
  const input: Record<string, unknown> = { prompt: promptOf(turns, losses) }
  if (system.length > 0) input['system_prompt'] = system.join('\n')
  for (const name of NAMES) {
    const { [name]: value } = request.parameters
    if (value === undefined) continue
    const written = PARAMETERS[name](request.parameters)
    if (written === null) losses.drop(PARAMETER_NAMES[name])
    else Object.assign(input, written)
  }
  return { version: model, input, ...(request.stream && { stream: true }) }
}

/** One turn is the prompt itself; of several, each line says whose it is. */
function promptOf(turns: ReturnType<typeof turnsOf>, losses: Losses): string {
  const [only] = turns
  if (turns.length === 1 && only?.role === 'user') return only.text
  losses.adapt('messages')
  const said = turns.map(({ role, text }) => `${role === 'assistant' ? 'Assistant' : 'User'}: ${text}`)
  return `${said.join('\n\n')}\n\nAssistant:`
}

type Write = (parameters: Parameters) => JsonObject | null
const none: Write = () => null
const nothing: JsonObject = {}

const PARAMETERS = {
  maxOutputTokens: ({ maxOutputTokens }) => ({ max_tokens: maxOutputTokens }),
  temperature: ({ temperature }) => ({ temperature }),
  topP: ({ topP }) => ({ top_p: topP }),
  topK: ({ topK }) => ({ top_k: topK }),
  minP: ({ minP }) => ({ min_p: minP }),
  frequencyPenalty: ({ frequencyPenalty }) => ({ frequency_penalty: frequencyPenalty }),
  presencePenalty: ({ presencePenalty }) => ({ presence_penalty: presencePenalty }),
  seed: ({ seed }) => ({ seed }),
  stop: ({ stop }) => ({ stop_sequences: stop?.join(',') }),
  choices: ({ choices }) => (choices === 1 ? nothing : null),
  logprobs: none,
  logitBias: none,
  // Without tools it says nothing.
  parallelToolCalls: () => nothing,
  reasoning: none,
  output: ({ output }) => (output?.type === 'text' ? nothing : null),
  verbosity: none,
  user: none,
  metadata: none,
  serviceTier: none,
  store: none,
  promptCacheKey: none,
  modalities: ({ modalities }) => (modalities?.every((kind) => kind === 'text') === true ? nothing : null),
  audioOutput: none,
  prediction: none,
  // It tells what it counts without being asked.
  includeUsage: () => nothing,
} as const satisfies Record<ParameterName, Write>

// The keys of the table are its parameters: it is exhaustive and closed.
const NAMES = Object.keys(PARAMETERS) as ParameterName[]
