import type { AnswerMeter } from '../relay/answer-meter.ts'
import { messagesClient, messagesUpstream } from './anthropic-messages/index.ts'
import { messagesMeter } from './anthropic-messages/meter.ts'
import { converseUpstream } from './bedrock-converse/index.ts'
import { cohereUpstream } from './cohere/index.ts'
import type { ClientDialect, UpstreamDialect } from './dialect.ts'
import { geminiClient, geminiUpstream } from './gemini/index.ts'
import { geminiMeter } from './gemini/meter.ts'
import type { DialectName } from './name.ts'
import { ollamaUpstream } from './ollama/index.ts'
import { openaiChatClient, openaiChatUpstream } from './openai-chat/index.ts'
import { openaiCompletionsClient, openaiCompletionsUpstream } from './openai-completions/index.ts'
import { openaiResponsesClient, openaiResponsesUpstream } from './openai-responses/index.ts'
import { responsesMeter } from './openai-responses/meter.ts'
import { replicateUpstream } from './replicate/index.ts'

/** Every dialect as upstreams speak it. */
export const UPSTREAM_DIALECTS: Readonly<Partial<Record<DialectName, UpstreamDialect>>> = {
  'openai-chat': openaiChatUpstream,
  'openai-responses': openaiResponsesUpstream,
  'openai-completions': openaiCompletionsUpstream,
  'anthropic-messages': messagesUpstream,
  'bedrock-converse': converseUpstream,
  gemini: geminiUpstream,
  cohere: cohereUpstream,
  ollama: ollamaUpstream,
  replicate: replicateUpstream,
}

/** Every dialect that clients hold conversations in. */
export const CLIENT_DIALECTS: Readonly<Partial<Record<DialectName, ClientDialect>>> = {
  'openai-chat': openaiChatClient,
  'openai-responses': openaiResponsesClient,
  'openai-completions': openaiCompletionsClient,
  'anthropic-messages': messagesClient,
  gemini: geminiClient,
}

/** The dialect of errors where no other one is known. */
export const COMMON_DIALECT: ClientDialect = openaiChatClient

/** What is read of answers that are relayed in a dialect; OpenAI's older ones have a tap of their own. */
export const METERS: Readonly<Partial<Record<DialectName, AnswerMeter>>> = {
  'openai-responses': responsesMeter,
  'anthropic-messages': messagesMeter,
  gemini: geminiMeter,
}
