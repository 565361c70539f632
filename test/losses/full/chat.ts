import type { JsonObject } from '../../../src/ai/ir/json.ts'
import type { WireAnswer } from '../answer-outcome.ts'
import { type Answers, bare } from './events.ts'

const CHAT_USAGE = {
  prompt_tokens: 100,
  completion_tokens: 90,
  total_tokens: 190,
  prompt_tokens_details: { cached_tokens: 10, audio_tokens: 5, image_tokens: 4, cache_write_tokens: 3 },
  completion_tokens_details: {
    reasoning_tokens: 10,
    audio_tokens: 9,
    image_tokens: 8,
    accepted_prediction_tokens: 7,
    rejected_prediction_tokens: 6,
  },
}
/** The probability of one token, as several vendors say it. */
export const LOGPROB = {
  token: 'Yes',
  logprob: -0.25,
  bytes: [89, 101],
  top_logprobs: [{ token: 'No', logprob: -2, bytes: [78] }],
}

function chat(message: JsonObject, finish: string): WireAnswer {
  const head = { id: 'chatcmpl-full', created: 1_790_000_000, model: 'gpt-full', system_fingerprint: 'fp_full' }
  const logprobs = { content: [LOGPROB], refusal: [{ ...LOGPROB, token: 'Never' }] }
  const chunk = (choices: readonly JsonObject[], more: JsonObject = {}) => {
    return { ...head, object: 'chat.completion.chunk', service_tier: 'priority', choices, ...more }
  }
  const calls = message['tool_calls']
  const delta = Array.isArray(calls)
    ? { ...message, tool_calls: calls.map((call, index) => ({ index, ...call })) }
    : message
  return {
    whole: {
      ...head,
      object: 'chat.completion',
      choices: [{ index: 0, message, logprobs, finish_reason: finish }],
      usage: CHAT_USAGE,
      service_tier: 'priority',
    },
    events: bare([
      chunk([{ index: 0, delta, logprobs, finish_reason: null }]),
      chunk([{ index: 0, delta: {}, logprobs: null, finish_reason: finish }]),
      chunk([], { usage: CHAT_USAGE }),
      '[DONE]',
    ]),
  }
}

/** "The chat completion object" (OpenAI, API reference, 2026-11). */
export const CHAT: Answers = {
  'every member': chat(
    {
      role: 'assistant',
      content: 'said in words',
      refusal: 'refused in words',
      reasoning_details: [
        {
          type: 'reasoning.text',
          text: 'thought in words',
          signature: 'c2VhbCBvZiBpdA==',
          format: 'anthropic-claude-v1',
          index: 0,
        },
        {
          type: 'reasoning.summary',
          summary: 'thought in short',
          id: 'rs_full',
          format: 'openai-responses-v1',
          index: 1,
        },
      ],
      annotations: [
        {
          type: 'url_citation',
          url_citation: {
            url: 'https://web.example/chat',
            title: 'title of it',
            content: 'words of it',
            start_index: 1,
            end_index: 4,
          },
        },
      ],
      images: [{ type: 'image_url', image_url: { url: 'https://web.example/image.png' } }],
    },
    'stop',
  ),
  'every call': chat(
    {
      role: 'assistant',
      content: null,
      tool_calls: [
        { id: 'call_first', type: 'function', function: { name: 'get_weather', arguments: '{}' } },
        { id: 'call_second', type: 'custom', custom: { name: 'run_code', input: 'print(1)' } },
        {
          id: 'call_third',
          type: 'function',
          function: { name: 'get_time', arguments: '{}' },
          extra_content: { google: { thought_signature: 'c2lnbmVkIGNhbGw=' } },
        },
      ],
    },
    'tool_calls',
  ),
  sound: chat(
    {
      role: 'assistant',
      content: null,
      audio: { id: 'audio_full', data: 'UklGRiQAAABXQVZF', transcript: 'heard in words', expires_at: 1_790_000_500 },
    },
    'stop',
  ),
}
