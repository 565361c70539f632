import { answer, type Exchange, GatewayError, type Hook } from '../../core/index.ts'
import { allowed } from '../conversation/conversation-route.ts'
import type { ClientDialect } from '../dialects/dialect.ts'
import type { ModelRegistry } from '../models/registry.ts'
import type { ModelTarget } from '../models/target.ts'

/** What becomes of a parameter: passed on as it is, said in other words, or not at all. */
type Support = 'forward' | 'translate' | 'unsupported'

/** The parameters that clients ask about, each with a value that any vendor that has it takes, and what goes with it. */
const PROBES: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  temperature: { temperature: 0.5 },
  top_p: { top_p: 0.5 },
  n: { n: 2 },
  seed: { seed: 7 },
  max_tokens: { max_tokens: 64 },
  max_completion_tokens: { max_completion_tokens: 64 },
  presence_penalty: { presence_penalty: 0.5 },
  frequency_penalty: { frequency_penalty: 0.5 },
  stop: { stop: ['END'] },
  tools: { tools: [{ type: 'function', function: { name: 'look', parameters: { type: 'object', properties: {} } } }] },
  tool_choice: {
    tools: [{ type: 'function', function: { name: 'look', parameters: { type: 'object', properties: {} } } }],
    tool_choice: 'required',
  },
  response_format: { response_format: { type: 'json_object' } },
  logprobs: { logprobs: true },
  top_logprobs: { logprobs: true, top_logprobs: 2 },
  parallel_tool_calls: {
    tools: [{ type: 'function', function: { name: 'look', parameters: { type: 'object', properties: {} } } }],
    parallel_tool_calls: false,
  },
  user: { user: 'someone' },
  logit_bias: { logit_bias: { '50256': -100 } },
}

/**
 * `GET /v1/capabilities`: what becomes of each parameter of `client`'s dialect with each model that the key may use. It is found
 * by putting a request with that parameter on its way, as far as before the wire; each model is asked once.
 */
export function createCapabilities(registry: ModelRegistry, client: ClientDialect): Hook {
  const known = new WeakMap<ModelTarget, Readonly<Record<string, Support>>>()
  return (x: Exchange) => {
    const models: Record<string, object> = {}
    const providers: Record<string, Readonly<Record<string, Support>>> = {}
    for (const { name, entry } of registry.list()) {
      if (!allowed(x, registry, name)) continue
      const target = entry.group.first
      let found = known.get(target)
      if (found === undefined) {
        found = supportOf(target, client)
        known.set(target, found)
      }
      models[name] = found
      providers[target.provider] ??= found
    }
    answer(x, 200, 'application/json', JSON.stringify({ providers, models }))
    return null
  }
}

function supportOf(target: ModelTarget, client: ClientDialect): Readonly<Record<string, Support>> {
  const rows = Object.entries(PROBES).map(([name, members]): [string, Support] => {
    const body = { model: target.model, messages: [{ role: 'user', content: 'Hello' }], ...members }
    const fate = target.probe(client, body)
    if (fate instanceof GatewayError) return [name, 'unsupported']
    if (fate.dropped.some((dropped) => isOf(name, dropped))) return [name, 'unsupported']
    return [name, fate.relayed && fate.adapted.length === 0 ? 'forward' : 'translate']
  })
  return Object.fromEntries(rows)
}

/** Whether what was dropped is this parameter: `logprobs` is reported for both of its members. */
function isOf(name: string, dropped: string): boolean {
  if (dropped === name || dropped.startsWith(`${name}.`)) return true
  return name === 'top_logprobs' ? dropped === 'logprobs' : name === 'max_completion_tokens' && dropped === 'max_tokens'
}
