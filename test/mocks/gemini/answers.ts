/*
 * Answers of generateContent as the vendor sends them, after its public reference (ai.google.dev/api/generate-content,
 * "Thought signatures", "Grounding with Google Search", and the types of its official clients), 2026. Independent of src.
 */
export type Json = Readonly<Record<string, unknown>>

const USAGE = { promptTokenCount: 12, candidatesTokenCount: 5, totalTokenCount: 17 }

/** One whole answer with these parts. */
export function answer(
  parts: readonly Json[],
  more: { finishReason?: string; usage?: Json; candidate?: Json } = {},
): Json {
  const { finishReason = 'STOP', usage = USAGE, candidate } = more
  return {
    candidates: [{ content: { parts, role: 'model' }, finishReason, index: 0, ...candidate }],
    usageMetadata: usage,
    modelVersion: 'gemini-3-pro',
    responseId: 'resp-1',
  }
}

/** One chunk of a stream. */
export function chunk(
  parts: readonly Json[],
  more: { finishReason?: string; usage?: Json; candidate?: Json } = {},
): Json {
  const { finishReason, usage = { promptTokenCount: 12, totalTokenCount: 12 }, candidate } = more
  return {
    candidates: [
      {
        content: { parts, role: 'model' },
        ...(finishReason !== undefined && { finishReason }),
        index: 0,
        ...candidate,
      },
    ],
    usageMetadata: usage,
    modelVersion: 'gemini-3-pro',
    responseId: 'resp-1',
  }
}

const ENDED = { finishReason: 'STOP', usage: USAGE }
const CACHE_USAGE = {
  promptTokenCount: 1000,
  cachedContentTokenCount: 800,
  toolUsePromptTokenCount: 20,
  candidatesTokenCount: 30,
  thoughtsTokenCount: 70,
  totalTokenCount: 1120,
  promptTokensDetails: [
    { modality: 'TEXT', tokenCount: 900 },
    { modality: 'IMAGE', tokenCount: 100 },
  ],
}
const weather = (city: string, id?: string): Json => ({
  functionCall: { ...(id !== undefined && { id }), name: 'get_weather', args: { city } },
})
const GROUNDING = {
  groundingMetadata: {
    webSearchQueries: ['capital of France'],
    groundingChunks: [{ web: { uri: 'https://example.com/paris', title: 'Paris' } }],
    groundingSupports: [{ segment: { startIndex: 0, endIndex: 6, text: 'Paris.' }, groundingChunkIndices: [0] }],
  },
}

/** What a model may say: whole, and in the chunks that streaming gives for the same. */
export const ANSWERS: Readonly<Record<string, { readonly whole: Json; readonly chunks: readonly Json[] }>> = {
  text: { whole: answer([{ text: 'Hello' }]), chunks: [chunk([{ text: 'Hello' }], ENDED)] },
  'several text deltas': {
    whole: answer([{ text: 'Grüße aus Köln 🙂' }]),
    chunks: [chunk([{ text: 'Grüße' }]), chunk([{ text: ' aus' }, { text: ' Köln 🙂' }]), chunk([{ text: '' }], ENDED)],
  },
  'tool call': {
    whole: answer([{ text: 'Let me look.' }, { ...weather('Paris', 'fc-1'), thoughtSignature: 'c2lnLTE=' }]),
    chunks: [
      chunk([{ text: 'Let me look.' }]),
      chunk([{ ...weather('Paris', 'fc-1'), thoughtSignature: 'c2lnLTE=' }]),
      chunk([{ text: '' }], ENDED),
    ],
  },
  'parallel tool calls': {
    whole: answer([{ ...weather('Paris'), thoughtSignature: 'c2lnLTE=' }, weather('Rome')]),
    chunks: [chunk([{ ...weather('Paris'), thoughtSignature: 'c2lnLTE=' }, weather('Rome')], ENDED)],
  },
  'empty arguments': {
    whole: answer([{ functionCall: { name: 'now', args: {} } }, { functionCall: { name: 'now' } }]),
    chunks: [chunk([{ functionCall: { name: 'now', args: {} } }]), chunk([{ functionCall: { name: 'now' } }], ENDED)],
  },
  'partial arguments': {
    whole: answer([{ functionCall: { id: 'fc-2', name: 'get_weather', args: { city: 'New York', days: [1, 2] } } }]),
    chunks: [
      chunk([{ functionCall: { id: 'fc-2', name: 'get_weather', willContinue: true } }]),
      chunk([
        {
          functionCall: {
            partialArgs: [{ jsonPath: '$.city', stringValue: 'New ', willContinue: true }],
            willContinue: true,
          },
        },
      ]),
      chunk([
        {
          functionCall: {
            partialArgs: [
              { jsonPath: '$.city', stringValue: 'York' },
              { jsonPath: '$.days[0]', numberValue: 1 },
              { jsonPath: '$.days[1]', numberValue: 2 },
            ],
            willContinue: true,
          },
        },
      ]),
      chunk([{ functionCall: {} }], ENDED),
    ],
  },
  'reasoning with seals': {
    whole: answer([
      { text: 'I think. Therefore.', thought: true },
      { text: 'Done.', thoughtSignature: 'c2lnLTI=' },
    ]),
    chunks: [
      chunk([{ text: 'I think.', thought: true }]),
      chunk([{ text: ' Therefore.', thought: true }]),
      chunk([{ text: 'Done.' }]),
      chunk([{ text: '', thoughtSignature: 'c2lnLTI=' }], ENDED),
    ],
  },
  filter: {
    whole: answer([{ text: 'I' }], { finishReason: 'SAFETY' }),
    chunks: [chunk([{ text: 'I' }]), chunk([], { finishReason: 'SAFETY', usage: USAGE })],
  },
  'blocked prompt': {
    whole: {
      promptFeedback: { blockReason: 'PROHIBITED_CONTENT' },
      usageMetadata: { promptTokenCount: 12, totalTokenCount: 12 },
    },
    chunks: [
      {
        promptFeedback: { blockReason: 'PROHIBITED_CONTENT' },
        usageMetadata: { promptTokenCount: 12, totalTokenCount: 12 },
      },
    ],
  },
  length: {
    whole: answer([{ text: 'Once upon' }], { finishReason: 'MAX_TOKENS' }),
    chunks: [chunk([{ text: 'Once upon' }], { finishReason: 'MAX_TOKENS', usage: USAGE })],
  },
  'usage with cache': {
    whole: answer([{ text: 'Cached.' }], { usage: CACHE_USAGE }),
    chunks: [chunk([{ text: 'Cached.' }]), chunk([{ text: '' }], { finishReason: 'STOP', usage: CACHE_USAGE })],
  },
  sources: {
    whole: answer([{ text: 'Paris. It is.' }], { candidate: GROUNDING }),
    chunks: [chunk([{ text: 'Paris.' }]), chunk([{ text: ' It is.' }], { ...ENDED, candidate: GROUNDING })],
  },
  'own tools': {
    whole: answer([
      { executableCode: { language: 'PYTHON', code: 'print(1)' } },
      { codeExecutionResult: { outcome: 'OUTCOME_OK', output: '1' } },
      { text: 'One.' },
    ]),
    chunks: [
      chunk([{ executableCode: { language: 'PYTHON', code: 'print(1)' } }]),
      chunk([{ codeExecutionResult: { outcome: 'OUTCOME_OK', output: '1' } }]),
      chunk([{ text: 'One.' }], ENDED),
    ],
  },
  image: {
    whole: answer([{ inlineData: { mimeType: 'image/png', data: 'aGk=' } }]),
    chunks: [chunk([{ inlineData: { mimeType: 'image/png', data: 'aGk=' } }]), chunk([{ text: '' }], ENDED)],
  },
  'malformed call': {
    whole: answer([], { finishReason: 'MALFORMED_FUNCTION_CALL' }),
    chunks: [chunk([], { finishReason: 'MALFORMED_FUNCTION_CALL', usage: USAGE })],
  },
}

/** google.rpc.Status of a failed request. */
export function failure(code: number, status: string, message: string): Json {
  return { error: { code, message, status } }
}

/** A stream as server-sent events. An error within a stream is bare JSON. */
export function eventStream(chunks: readonly Json[]): string {
  return chunks.map((item) => `data: ${JSON.stringify(item)}\r\n\r\n`).join('')
}
