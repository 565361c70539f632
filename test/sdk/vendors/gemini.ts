import { at } from '../../harness/json.ts'
import { answer, chunk, eventStream, failure, type Json } from '../../mocks/gemini/answers.ts'
import { checkRequest } from '../../mocks/gemini/check-request.ts'
import { halves, type Script, USED } from './script.ts'
import { newest, VENDOR_KEY, type Vendor } from './vendor.ts'

const FINISH = { end: 'STOP', calls: 'STOP', length: 'MAX_TOKENS', filter: 'SAFETY' } as const
const WORDS: Readonly<Record<number, string>> = {
  400: 'INVALID_ARGUMENT',
  429: 'RESOURCE_EXHAUSTED',
  500: 'INTERNAL',
  503: 'UNAVAILABLE',
}
const SEAL = 'c2VhbC1vZi10aGUtY2FsbA=='
const USAGE = {
  promptTokenCount: USED.input,
  candidatesTokenCount: USED.output,
  totalTokenCount: USED.input + USED.output,
}
const MODEL = /\/models\/([^/:]+):/

function partsOf({ thought, text, calls = [] }: Script, cut: (text: string) => readonly string[]): Json[] {
  return [
    ...(thought === undefined ? [] : cut(thought)).map((piece) => ({ text: piece, thought: true })),
    ...(text === undefined ? [] : cut(text)).map((piece) => ({ text: piece })),
    ...calls.map(({ name, input }, index) => ({
      functionCall: { name, args: input },
      ...(index === 0 && { thoughtSignature: SEAL }),
    })),
  ]
}

/** Gemini, third generation: calls are signed and the signature must come back. */
export const gemini: Vendor = {
  name: 'gemini',
  config: { kind: 'gemini' },
  root: '/v1beta',
  model: 'gemini-3-pro',
  check: (request) => checkRequest(request, VENDOR_KEY),
  modelOf: ({ path }) => decodeURIComponent(MODEL.exec(path)?.[1] ?? ''),
  streams: ({ path }) => path.includes(':streamGenerateContent'),
  hasResults: (body) => at(newest(body, 'contents'), 'parts', 0, 'functionResponse') !== undefined,
  whole: (script) =>
    answer(
      partsOf(script, (text) => [text]),
      { finishReason: FINISH[script.stop], usage: USAGE },
    ),
  streamType: 'text/event-stream',
  stream: (script) => {
    const chunks = partsOf(script, halves).map((part) => chunk([part]))
    const end = chunk([{ text: '' }], { finishReason: FINISH[script.stop], usage: USAGE })
    return [...chunks, end].map((each) => eventStream([each]))
  },
  error: (status, message) => failure(status, WORDS[status] ?? 'INTERNAL', message),
  streamError: eventStream([failure(503, 'UNAVAILABLE', 'The model is overloaded.')]),
  seal: SEAL,
}
