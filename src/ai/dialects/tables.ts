import type { AnswerMeter } from '../relay/answer-meter.ts'
import type { ClientDialect, UpstreamDialect } from './dialect.ts'
import type { DialectName } from './name.ts'
import type { TokenCountDialect } from './token-counts.ts'

/** What a dialect's code gives: the sides of it that exist. */
export interface DialectCode {
  readonly client?: ClientDialect
  readonly upstream?: UpstreamDialect
  /** What is read of answers that are relayed in it; OpenAI's older ones have a tap of their own. */
  readonly meter?: AnswerMeter
  /** How it counts tokens; absent: it does not. */
  readonly counts?: TokenCountDialect
}

/**
 * Every dialect. Together they are half of a data worker's code, and most gateways speak two of them: a dialect is loaded
 * when a configuration names an upstream of it, or with the first request of a client that speaks it.
 */
const LOAD: Readonly<Record<DialectName, () => Promise<DialectCode>>> = {
  'openai-chat': async () => {
    const { openaiChatClient: client, openaiChatUpstream: upstream } = await import('./openai-chat/index.ts')
    return { client, upstream }
  },
  'openai-responses': async () => {
    const { openaiResponsesClient: client, openaiResponsesUpstream: upstream } = await import(
      './openai-responses/index.ts'
    )
    const { responsesMeter: meter } = await import('./openai-responses/meter.ts')
    const { responsesCounts: counts } = await import('./openai-responses/input-tokens.ts')
    return { client, upstream, meter, counts }
  },
  'openai-completions': async () => {
    const { openaiCompletionsClient: client, openaiCompletionsUpstream: upstream } = await import(
      './openai-completions/index.ts'
    )
    return { client, upstream }
  },
  'anthropic-messages': async () => {
    const { messagesClient: client, messagesUpstream: upstream } = await import('./anthropic-messages/index.ts')
    const { messagesMeter: meter } = await import('./anthropic-messages/meter.ts')
    const { messagesCounts: counts } = await import('./anthropic-messages/token-counts.ts')
    return { client, upstream, meter, counts }
  },
  gemini: async () => {
    const { geminiClient: client, geminiUpstream: upstream } = await import('./gemini/index.ts')
    const { geminiMeter: meter } = await import('./gemini/meter.ts')
    const { geminiCounts: counts } = await import('./gemini/token-counts.ts')
    return { client, upstream, meter, counts }
  },
  'bedrock-converse': async () => ({ upstream: (await import('./bedrock-converse/index.ts')).converseUpstream }),
  cohere: async () => ({ upstream: (await import('./cohere/index.ts')).cohereUpstream }),
  ollama: async () => ({ upstream: (await import('./ollama/index.ts')).ollamaUpstream }),
  replicate: async () => ({ upstream: (await import('./replicate/index.ts')).replicateUpstream }),
}

/** The names of all dialects. */
export const DIALECT_NAMES = Object.keys(LOAD) as readonly DialectName[] // the keys of the table

/** The dialect of errors where no other one is known. */
export const COMMON_DIALECT = 'openai-chat'

const loaded = new Map<DialectName, DialectCode>()

/** Loads dialects, those of this thread that are there already left out. */
export async function loadDialects(names: Iterable<DialectName>): Promise<void> {
  const missing = [...new Set(names)].filter((name) => !loaded.has(name))
  await Promise.all(missing.map(async (name) => loaded.set(name, await LOAD[name]())))
}

/** A dialect that was loaded; throws when nobody did. */
export function dialectOf(name: DialectName): DialectCode {
  const code = loaded.get(name)
  if (code === undefined) throw new Error(`the dialect ${name} is not loaded`)
  return code
}

/** The client's side of a dialect that was loaded; throws when it has none. */
export function clientDialect(name: DialectName): ClientDialect {
  const { client } = dialectOf(name)
  if (client === undefined) throw new Error(`no client speaks ${name}`)
  return client
}
