import type { DialectName } from '../dialects/name.ts'
import { RequestReader, type RequestShape } from './request-reader.ts'

const PLAIN = {
  textContent: false,
  optionalContent: false,
  severalPrompts: false,
  nested: null,
  requiresMaxTokens: false,
  warmsCaches: false,
} as const

const SHAPES = {
  'openai-chat': {
    ...PLAIN,
    names: {
      model: 'model',
      content: 'messages',
      stream: 'stream',
      streamOptions: 'stream_options',
      maxTokens: 'max_tokens',
      otherMaxTokens: 'max_completion_tokens',
      choices: 'n',
    },
  },
  'openai-completions': {
    ...PLAIN,
    textContent: true,
    severalPrompts: true,
    names: {
      model: 'model',
      content: 'prompt',
      stream: 'stream',
      streamOptions: 'stream_options',
      maxTokens: 'max_tokens',
      choices: 'n',
      candidates: 'best_of',
      otherMaxTokens: 'max_completion_tokens',
    },
  },
  'openai-responses': {
    ...PLAIN,
    textContent: true,
    optionalContent: true,
    names: { model: 'model', content: 'input', stream: 'stream', maxTokens: 'max_output_tokens' },
  },
  'anthropic-messages': {
    ...PLAIN,
    requiresMaxTokens: true,
    warmsCaches: true,
    names: { model: 'model', content: 'messages', stream: 'stream', maxTokens: 'max_tokens' },
  },
  gemini: {
    ...PLAIN,
    nested: {
      maxTokens: ['maxOutputTokens', 'max_output_tokens'],
      choices: ['candidateCount', 'candidate_count'],
    },
    names: { content: 'contents', maxTokens: 'generationConfig', otherMaxTokens: 'generation_config' },
  },
} as const satisfies Partial<Record<DialectName, RequestShape>>

/** The dialects in which clients hold conversations. */
export type ClientDialectName = keyof typeof SHAPES

/** How requests of each of them are read. */
export const READERS: Readonly<Record<ClientDialectName, RequestReader>> = {
  'openai-chat': new RequestReader(SHAPES['openai-chat']),
  'openai-completions': new RequestReader(SHAPES['openai-completions']),
  'openai-responses': new RequestReader(SHAPES['openai-responses']),
  'anthropic-messages': new RequestReader(SHAPES['anthropic-messages']),
  gemini: new RequestReader(SHAPES.gemini),
}
