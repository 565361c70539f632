/*
 * Answers with every member that the vendors' references name and that the other answers do not hold: "Messages" (Anthropic), "The
 * response object" and "The chat completion object" (OpenAI), `GenerateContentResponse` (Google), "Converse" (AWS), "Chat" (Cohere,
 * Ollama), 2026-11.
 */
import type { DialectName } from '../../src/ai/dialects/name.ts'
import type { JsonObject } from '../../src/ai/ir/json.ts'
import type { WireAnswer } from './answer-outcome.ts'

type Answers = Readonly<Record<string, WireAnswer>>

function named(events: readonly JsonObject[]): WireAnswer['events'] {
  return events.map((event) => ({ name: String(event['type']), data: JSON.stringify(event) }))
}

function bare(events: readonly (JsonObject | string)[]): WireAnswer['events'] {
  return events.map((event) => ({ name: null, data: typeof event === 'string' ? event : JSON.stringify(event) }))
}

function messages(content: readonly JsonObject[], more: JsonObject): WireAnswer {
  const usage = {
    input_tokens: 25,
    cache_creation_input_tokens: 30,
    cache_read_input_tokens: 12,
    cache_creation: { ephemeral_5m_input_tokens: 20, ephemeral_1h_input_tokens: 10 },
    output_tokens: 41,
    output_tokens_details: { thinking_tokens: 11 },
    server_tool_use: { web_search_requests: 2, web_fetch_requests: 3 },
    service_tier: 'priority',
    speed: 'fast',
    inference_geo: 'us',
  }
  const body = { id: 'msg_full', type: 'message', role: 'assistant', model: 'claude-sonnet-5' }
  const end = { stop_reason: 'end_turn', stop_sequence: null, ...more }
  return {
    whole: { ...body, content, ...end, usage },
    events: named([
      { type: 'message_start', message: { ...body, content: [], stop_reason: null, stop_sequence: null, usage } },
      ...content.flatMap((block, index) => [
        { type: 'content_block_start', index, content_block: block },
        { type: 'content_block_stop', index },
      ]),
      { type: 'message_delta', delta: end, usage },
      { type: 'message_stop' },
    ]),
  }
}

const CITED = { cited_text: 'words of the source', document_index: 3, document_title: 'title of the source' }

const MESSAGES: Answers = {
  'every block': messages(
    [
      { type: 'thinking', thinking: 'thought of it', signature: 'c2VhbCBvZiBhIHRob3VnaHQ=' },
      { type: 'redacted_thinking', data: 'aGlkZGVuIHRob3VnaHQ=' },
      {
        type: 'text',
        text: 'said with sources',
        citations: [
          { type: 'char_location', ...CITED, start_char_index: 1, end_char_index: 5, file_id: 'file_of_it' },
          { type: 'page_location', ...CITED, start_page_number: 2, end_page_number: 3 },
          { type: 'content_block_location', ...CITED, start_block_index: 4, end_block_index: 6 },
          {
            type: 'search_result_location',
            cited_text: 'found words',
            source: 'https://found.example/page',
            title: 'found title',
            search_result_index: 7,
            start_block_index: 8,
            end_block_index: 9,
          },
          {
            type: 'web_search_result_location',
            cited_text: 'words of the web',
            url: 'https://web.example/page',
            title: 'web title',
            encrypted_index: 'ZW5jcnlwdGVkIGluZGV4',
          },
        ],
      },
      {
        type: 'tool_use',
        id: 'toolu_full',
        name: 'get_weather',
        input: { city: 'Oslo' },
        caller: { type: 'code', tool_id: 'srvtoolu_9' },
      },
      { type: 'server_tool_use', id: 'srvtoolu_1', name: 'web_fetch', input: { url: 'https://a.example/fetched' } },
      {
        type: 'web_fetch_tool_result',
        tool_use_id: 'srvtoolu_1',
        content: { type: 'web_fetch_result', url: 'https://a.example/fetched', retrieved_at: '2026-11-21' },
      },
      {
        type: 'code_execution_tool_result',
        tool_use_id: 'srvtoolu_2',
        content: { type: 'code_execution_result', stdout: 'printed text', stderr: 'error text', return_code: 4 },
      },
      { type: 'mcp_tool_use', id: 'mcptoolu_1', name: 'ask', server_name: 'server of tools', input: { a: 1 } },
      {
        type: 'mcp_tool_result',
        tool_use_id: 'mcptoolu_1',
        is_error: true,
        content: [{ type: 'text', text: 'said by the tool' }],
      },
      { type: 'container_upload', file_id: 'file_uploaded' },
    ],
    {
      container: {
        id: 'container_full',
        expires_at: '2026-11-22T00:00:00Z',
        skills: [{ type: 'custom', skill_id: 'skill_full', version: 'latest one' }],
      },
      context_management: {
        applied_edits: [{ type: 'clear_tool_uses', cleared_tool_uses: 3, cleared_input_tokens: 500 }],
      },
    },
  ),
  refused: messages([{ type: 'text', text: 'I will not' }], {
    stop_reason: 'refusal',
    stop_details: { type: 'refusal', category: 'weapons of war', explanation: 'because it is forbidden' },
  }),
}

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
const LOGPROB = {
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

const CHAT: Answers = {
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

function responses(output: readonly JsonObject[], more: JsonObject = {}): WireAnswer {
  const body = {
    id: 'resp_full',
    object: 'response',
    created_at: 1_790_000_000,
    model: 'gpt-full',
    service_tier: 'priority',
    status: 'completed',
    incomplete_details: null,
    error: null,
    ...more,
  }
  const usage = {
    input_tokens: 100,
    input_tokens_details: { cached_tokens: 10, cache_write_tokens: 7 },
    output_tokens: 50,
    output_tokens_details: { reasoning_tokens: 20 },
    total_tokens: 150,
  }
  const end = body.status === 'completed' ? 'response.completed' : 'response.incomplete'
  return {
    whole: { ...body, output, usage },
    events: named([
      { type: 'response.created', response: { ...body, status: 'in_progress', output: [], usage: null } },
      ...output.flatMap((item, at) => [
        { type: 'response.output_item.added', output_index: at, item: begun(item) },
        { type: 'response.output_item.done', output_index: at, item },
      ]),
      { type: end, response: { ...body, output, usage } },
    ]),
  }
}

/** An item as it begins: without what comes in pieces. */
function begun(item: JsonObject): JsonObject {
  switch (item['type']) {
    case 'message':
      return { ...item, content: [] }
    case 'reasoning':
      return { type: 'reasoning', id: item['id'], summary: [] }
    case 'image_generation_call':
      return { type: item['type'], id: item['id'], status: 'in_progress', result: null }
    case 'function_call':
      return { ...item, arguments: '' }
    case 'custom_tool_call':
      return { ...item, input: '' }
    default:
      return item
  }
}

const RESPONSES: Answers = {
  'every item': responses([
    {
      type: 'reasoning',
      id: 'rs_full',
      summary: [
        { type: 'summary_text', text: 'thought in short' },
        { type: 'summary_text', text: 'thought again' },
      ],
      content: [{ type: 'reasoning_text', text: 'thought at length' }],
      encrypted_content: 'c2VhbGVkIHRob3VnaHQ=',
    },
    {
      type: 'message',
      id: 'msg_full',
      status: 'completed',
      role: 'assistant',
      phase: 'final_answer',
      content: [
        {
          type: 'output_text',
          text: 'said in words',
          logprobs: [LOGPROB],
          annotations: [
            {
              type: 'url_citation',
              url: 'https://web.example/full',
              title: 'title of it',
              start_index: 1,
              end_index: 4,
            },
            { type: 'file_citation', file_id: 'file_first', filename: 'first name.pdf', index: 3 },
            { type: 'file_path', file_id: 'file_second', index: 5 },
            {
              type: 'container_file_citation',
              container_id: 'container_x',
              file_id: 'file_third',
              filename: 'third name.csv',
              start_index: 2,
              end_index: 5,
            },
          ],
        },
        { type: 'refusal', refusal: 'refused in words' },
      ],
    },
    {
      type: 'function_call',
      id: 'fc_full',
      call_id: 'call_first',
      name: 'get_weather',
      arguments: '{}',
      status: 'completed',
      namespace: 'space of tools',
    },
    {
      type: 'custom_tool_call',
      id: 'ctc_full',
      call_id: 'call_second',
      name: 'run_code',
      input: 'print(1)',
      status: 'completed',
    },
    {
      type: 'web_search_call',
      id: 'ws_full',
      status: 'completed',
      action: { type: 'search', query: 'asked the web', sources: [{ type: 'url', url: 'https://source.example/1' }] },
    },
    {
      type: 'file_search_call',
      id: 'fs_full',
      status: 'completed',
      queries: ['asked the files'],
      results: [{ file_id: 'file_found', filename: 'found name', score: 0.5, text: 'found text of it' }],
    },
    {
      type: 'code_interpreter_call',
      id: 'ci_full',
      status: 'completed',
      code: 'code that ran',
      container_id: 'container_y',
      outputs: [{ type: 'logs', logs: 'logs of it' }],
    },
    {
      type: 'computer_call',
      id: 'cu_full',
      call_id: 'call_computer',
      status: 'completed',
      action: { type: 'click', x: 3, y: 4, button: 'left button' },
      pending_safety_checks: [{ id: 'sc_1', code: 'code of check', message: 'message of check' }],
    },
    {
      type: 'mcp_call',
      id: 'mcp_full',
      name: 'ask it',
      server_label: 'label of server',
      arguments: '{}',
      output: 'output of tool',
      error: 'error of tool',
    },
    {
      type: 'image_generation_call',
      id: 'ig_full',
      status: 'completed',
      result: 'iVBORw0KGgo=',
      output_format: 'png',
      revised_prompt: 'prompt as revised',
      size: '1024x1024',
      quality: 'high quality',
      background: 'opaque ground',
      action: 'generated it',
    },
  ]),
  incomplete: responses(
    [
      {
        type: 'message',
        id: 'msg_cut',
        status: 'incomplete',
        role: 'assistant',
        content: [{ type: 'output_text', text: 'said and cut', annotations: [], logprobs: [] }],
      },
    ],
    { status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } },
  ),
}

const RATING = { category: 'HARM_CATEGORY_HARASSMENT', probability: 'NEGLIGIBLE', blocked: false }
const GEMINI_WHOLE: JsonObject = {
  candidates: [
    {
      content: {
        role: 'model',
        parts: [
          { text: 'thought in words', thought: true, thoughtSignature: 'c2VhbGVkIHRob3VnaHQ=' },
          { text: 'said in words', thoughtSignature: 'c2VhbGVkIHRleHQ=' },
          { executableCode: { language: 'PYTHON', code: 'code that ran', id: 'code_id' } },
          { codeExecutionResult: { outcome: 'OUTCOME_OK', output: 'output of code', id: 'code_id' } },
          { inlineData: { mimeType: 'image/png', data: 'iVBORw0KGgo=', displayName: 'name of image' } },
          { inlineData: { mimeType: 'audio/wav', data: 'UklGRiQAAABXQVZF' } },
          {
            functionCall: { id: 'call_id_1', name: 'get_weather', args: { city: 'Oslo' } },
            thoughtSignature: 'c2VhbGVkIGNhbGw=',
          },
        ],
      },
      finishReason: 'STOP',
      finishMessage: 'message of the end',
      index: 0,
      tokenCount: 12,
      avgLogprobs: -0.5,
      safetyRatings: [RATING],
      citationMetadata: {
        citations: [
          {
            startIndex: 1,
            endIndex: 4,
            uri: 'https://cited.example/1',
            title: 'title cited',
            license: 'license of it',
            publicationDate: { year: 2024 },
          },
        ],
      },
      groundingMetadata: {
        webSearchQueries: ['asked the web'],
        searchEntryPoint: { renderedContent: '<div>to be shown</div>', sdkBlob: 'YmxvYiBvZiBzZGs=' },
        groundingChunks: [
          { web: { uri: 'https://ground.example/1', title: 'title of ground', domain: 'ground.example' } },
          { retrievedContext: { uri: 'https://ground.example/2', title: 'title of context', text: 'text of context' } },
        ],
        groundingSupports: [
          {
            segment: { startIndex: 0, endIndex: 4, text: 'said' },
            groundingChunkIndices: [0],
            confidenceScores: [0.75],
          },
        ],
        retrievalMetadata: { googleSearchDynamicRetrievalScore: 0.5 },
      },
      urlContextMetadata: {
        urlMetadata: [{ retrievedUrl: 'https://read.example/1', urlRetrievalStatus: 'URL_RETRIEVAL_STATUS_SUCCESS' }],
      },
      logprobsResult: {
        chosenCandidates: [{ token: 'Yes', tokenId: 7, logProbability: -0.25 }],
        topCandidates: [{ candidates: [{ token: 'No', tokenId: 8, logProbability: -2 }] }],
      },
    },
  ],
  promptFeedback: { safetyRatings: [RATING] },
  usageMetadata: {
    promptTokenCount: 100,
    cachedContentTokenCount: 20,
    toolUsePromptTokenCount: 7,
    candidatesTokenCount: 30,
    thoughtsTokenCount: 9,
    totalTokenCount: 146,
    promptTokensDetails: [
      { modality: 'TEXT', tokenCount: 90 },
      { modality: 'AUDIO', tokenCount: 10 },
    ],
    candidatesTokensDetails: [
      { modality: 'TEXT', tokenCount: 20 },
      { modality: 'IMAGE', tokenCount: 10 },
    ],
    serviceTier: 'priority',
  },
  modelVersion: 'gemini-full',
  responseId: 'response_full',
  modelStatus: { modelStage: 'PREVIEW', retirementTime: '2027-01-01T00:00:00Z' },
}

const CONVERSE_CITATION = {
  title: 'title of source',
  source: 'source in words',
  sourceContent: [{ text: 'words of the source' }],
  location: { documentPage: { documentIndex: 2, start: 3, end: 4 } },
}
const CONVERSE_USAGE = {
  inputTokens: 25,
  outputTokens: 41,
  totalTokens: 108,
  cacheReadInputTokens: 12,
  cacheWriteInputTokens: 30,
  cacheDetails: [{ ttl: '1h', inputTokens: 10 }],
}
const CONVERSE_MORE = {
  trace: { guardrail: { modelOutput: ['output before it'], actionReason: 'reason of action' } },
  performanceConfig: { latency: 'optimized' },
  serviceTier: { type: 'priority' },
}
const CONVERSE_EVENTS: readonly (readonly [string, JsonObject])[] = [
  ['messageStart', { role: 'assistant' }],
  ['contentBlockDelta', { contentBlockIndex: 0, delta: { reasoningContent: { text: 'thought in words' } } }],
  ['contentBlockDelta', { contentBlockIndex: 0, delta: { reasoningContent: { signature: 'c2VhbCBvZiBpdA==' } } }],
  ['contentBlockStop', { contentBlockIndex: 0 }],
  ['contentBlockDelta', { contentBlockIndex: 1, delta: { text: 'said in words' } }],
  ['contentBlockDelta', { contentBlockIndex: 1, delta: { citation: CONVERSE_CITATION } }],
  ['contentBlockStop', { contentBlockIndex: 1 }],
  [
    'contentBlockStart',
    { contentBlockIndex: 2, start: { toolUse: { toolUseId: 'tooluse_full', name: 'get_weather' } } },
  ],
  ['contentBlockDelta', { contentBlockIndex: 2, delta: { toolUse: { input: '{}' } } }],
  ['contentBlockStop', { contentBlockIndex: 2 }],
  [
    'contentBlockStart',
    {
      contentBlockIndex: 3,
      start: { toolUse: { toolUseId: 'srvtoolu_full', name: 'nova_grounding', type: 'server_tool_use' } },
    },
  ],
  ['contentBlockDelta', { contentBlockIndex: 3, delta: { toolUse: { input: '{}' } } }],
  ['contentBlockStop', { contentBlockIndex: 3 }],
  [
    'contentBlockStart',
    { contentBlockIndex: 4, start: { toolResult: { toolUseId: 'srvtoolu_full', status: 'success' } } },
  ],
  ['contentBlockDelta', { contentBlockIndex: 4, delta: { toolResult: [{ text: 'result of it' }] } }],
  ['contentBlockStop', { contentBlockIndex: 4 }],
  ['contentBlockStart', { contentBlockIndex: 5, start: { image: { format: 'png' } } }],
  ['contentBlockDelta', { contentBlockIndex: 5, delta: { image: { source: { bytes: 'iVBORw0KGgo=' } } } }],
  ['contentBlockStop', { contentBlockIndex: 5 }],
  ['messageStop', { stopReason: 'end_turn', additionalModelResponseFields: { other: 'said beside it' } }],
  ['metadata', { usage: CONVERSE_USAGE, metrics: { latencyMs: 1234 }, ...CONVERSE_MORE }],
]

const CONVERSE: Answers = {
  'every member': {
    whole: {
      output: {
        message: {
          role: 'assistant',
          content: [
            { reasoningContent: { reasoningText: { text: 'thought in words', signature: 'c2VhbCBvZiBpdA==' } } },
            { reasoningContent: { redactedContent: 'aGlkZGVuIHRob3VnaHQ=' } },
            { text: 'said in words' },
            { citationsContent: { content: [{ text: 'said with sources' }], citations: [CONVERSE_CITATION] } },
            { toolUse: { toolUseId: 'tooluse_full', name: 'get_weather', input: {} } },
            { toolUse: { toolUseId: 'srvtoolu_full', name: 'nova_grounding', input: {}, type: 'server_tool_use' } },
            {
              toolResult: {
                toolUseId: 'srvtoolu_full',
                content: [{ json: { found: 'result of it' } }],
                status: 'success',
              },
            },
            { image: { format: 'png', source: { bytes: 'iVBORw0KGgo=' } } },
          ],
        },
      },
      stopReason: 'end_turn',
      usage: CONVERSE_USAGE,
      metrics: { latencyMs: 1234 },
      additionalModelResponseFields: { stop_sequence: 'END OF IT', other: 'said beside it' },
      ...CONVERSE_MORE,
    },
    events: CONVERSE_EVENTS.map(([name, data]) => ({ name, data: JSON.stringify(data) })),
  },
}

const COHERE_CITATION = {
  start: 0,
  end: 4,
  text: 'said',
  type: 'TEXT_CONTENT',
  content_index: 0,
  sources: [
    {
      type: 'document',
      id: 'doc_first',
      document: { id: 'doc_first', title: 'title of it', url: 'https://doc.example/1', snippet: 'words of it' },
    },
    { type: 'tool', id: 'tool_source', tool_output: { found: 'output of tool' } },
  ],
}
const COHERE_USAGE = {
  billed_units: { input_tokens: 20, output_tokens: 10, search_units: 2, classifications: 3 },
  tokens: { input_tokens: 90, output_tokens: 12 },
  cached_tokens: 5,
}
const COHERE: Answers = {
  'every member': {
    whole: {
      id: 'cohere-full',
      finish_reason: 'COMPLETE',
      message: {
        role: 'assistant',
        content: [
          { type: 'thinking', thinking: 'thought in words' },
          { type: 'text', text: 'said in words' },
        ],
        citations: [COHERE_CITATION],
      },
      usage: COHERE_USAGE,
      logprobs: [{ text: 'said', logprobs: [-0.5], token_ids: [7] }],
    },
    events: bare([
      {
        type: 'message-start',
        id: 'cohere-full',
        delta: { message: { role: 'assistant', content: [], tool_plan: '', tool_calls: [], citations: [] } },
      },
      { type: 'content-start', index: 0, delta: { message: { content: { type: 'thinking', thinking: '' } } } },
      { type: 'content-delta', index: 0, delta: { message: { content: { thinking: 'thought in words' } } } },
      { type: 'content-end', index: 0 },
      { type: 'content-start', index: 1, delta: { message: { content: { type: 'text', text: '' } } } },
      {
        type: 'content-delta',
        index: 1,
        delta: { message: { content: { text: 'said in words' } } },
        logprobs: { text: 'said', logprobs: [-0.5], token_ids: [7] },
      },
      { type: 'citation-start', index: 0, delta: { message: { citations: COHERE_CITATION } } },
      { type: 'citation-end', index: 0 },
      { type: 'content-end', index: 1 },
      { type: 'message-end', id: 'cohere-full', delta: { finish_reason: 'COMPLETE', usage: COHERE_USAGE } },
    ]),
  },
}

const OLLAMA_LINE = {
  model: 'llama-full',
  created_at: '2026-11-21T00:00:00Z',
  remote_model: 'model elsewhere',
  remote_host: 'https://host.example',
  message: {
    role: 'assistant',
    content: 'said in words',
    thinking: 'thought in words',
    tool_calls: [{ id: 'call_full', function: { name: 'get_weather', arguments: { city: 'Oslo' }, index: 0 } }],
  },
  logprobs: [LOGPROB],
}
const OLLAMA_END = { done: true, done_reason: 'stop', prompt_eval_count: 9, eval_count: 8, total_duration: 123_456 }

/** Answers of each vendor, by what they hold. */
export const FULL_ANSWERS: Readonly<Partial<Record<DialectName, Answers>>> = {
  'anthropic-messages': MESSAGES,
  'openai-chat': CHAT,
  'openai-responses': RESPONSES,
  gemini: { 'every member': { whole: GEMINI_WHOLE, events: bare([GEMINI_WHOLE]) } },
  'bedrock-converse': CONVERSE,
  cohere: COHERE,
  ollama: {
    'every member': {
      whole: { ...OLLAMA_LINE, ...OLLAMA_END },
      events: bare([
        { ...OLLAMA_LINE, done: false },
        {
          model: 'llama-full',
          created_at: '2026-11-21T00:00:00Z',
          message: { role: 'assistant', content: '' },
          ...OLLAMA_END,
        },
      ]),
    },
  },
  replicate: {
    'every member': {
      whole: {
        id: 'prediction_full',
        status: 'succeeded',
        output: ['said ', 'in words'],
        metrics: { input_token_count: 9, output_token_count: 8, predict_time: 1.5 },
        model: 'owner/model',
      },
      events: [
        { name: 'output', data: 'said in words' },
        { name: 'done', data: '{}' },
      ],
    },
  },
}
