/*
 * Answers of /api/chat as the server sends them, after its public documents (docs/api.md, docs/api/errors.mdx and
 * api/types.go of ollama/ollama), 2026. Independent of src.
 */
export type Json = Readonly<Record<string, unknown>>

const AT = '2026-08-21T10:00:00.123456Z'
const DONE = {
  done: true,
  done_reason: 'stop',
  total_duration: 5_000_000,
  load_duration: 1_000_000,
  prompt_eval_count: 26,
  prompt_eval_duration: 1_000_000,
  eval_count: 8,
  eval_duration: 3_000_000,
}

function line(message: Json, more: Json = { done: false }): Json {
  return { model: 'llama', created_at: AT, message: { role: 'assistant', content: '', ...message }, ...more }
}

const call = (name: string, args: Json, more: Json = {}) => ({ ...more, function: { index: 0, name, arguments: args } })

/** What a model may say: whole, and in the lines that streaming gives for the same. */
export const ANSWERS: Readonly<Record<string, { readonly whole: Json; readonly lines: readonly Json[] }>> = {
  text: { whole: line({ content: 'Hello' }, DONE), lines: [line({ content: 'Hello' }), line({}, DONE)] },
  'several text deltas': {
    whole: line({ content: 'Grüße 🙂' }, DONE),
    lines: [line({ content: 'Grü' }), line({ content: 'ße' }), line({ content: ' 🙂' }), line({}, DONE)],
  },
  'tool call': {
    whole: line({ content: 'Look.', tool_calls: [call('a', { city: 'Paris' }, { id: 'call_x' })] }, DONE),
    lines: [
      line({ content: 'Look.' }),
      line({ tool_calls: [call('a', { city: 'Paris' }, { id: 'call_x' })] }),
      line({}, DONE),
    ],
  },
  'parallel tool calls': {
    whole: line({ tool_calls: [call('a', { n: 1 }), call('b', { n: 2 })] }, DONE),
    lines: [line({ tool_calls: [call('a', { n: 1 })] }), line({ tool_calls: [call('b', { n: 2 })] }), line({}, DONE)],
  },
  'empty arguments': {
    whole: line({ tool_calls: [call('now', {})] }, DONE),
    lines: [line({ tool_calls: [call('now', {})] }), line({}, DONE)],
  },
  reasoning: {
    whole: line({ thinking: 'Hm. So.', content: 'Yes' }, DONE),
    lines: [line({ thinking: 'Hm.' }), line({ thinking: ' So.' }), line({ content: 'Yes' }), line({}, DONE)],
  },
  length: {
    whole: line({ content: 'Once' }, { ...DONE, done_reason: 'length' }),
    lines: [line({ content: 'Once' }), line({}, { ...DONE, done_reason: 'length' })],
  },
}

/** An error, as a whole answer and as the last line of a stream. */
export function failure(error: string): Json {
  return { error }
}

export function lines(items: readonly Json[]): string {
  return items.map((item) => `${JSON.stringify(item)}\n`).join('')
}
