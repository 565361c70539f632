/*
 * A body of OpenAI's Responses as strictly as the vendor takes it: the members, types and bounds of the API reference ("Create a model
 * response") and of the official client's types, 2026-11. Unknown members are refused.
 */
import { z } from 'zod'

const NAME = /^[a-zA-Z0-9_-]+$/
const breakpoint = z.strictObject({ mode: z.literal('explicit'), ttl: z.enum(['30m', '12h']).optional() }).optional()
const dataUrl = z.string().regex(/^data:[\w.+-]+\/[\w.+-]+;base64,/)
const status = z.enum(['in_progress', 'completed', 'incomplete']).nullish()
const schemaObject = z.record(z.string(), z.unknown())
const id = z.string().min(1).nullish()
const callId = z.string().min(1).max(64)

const inputPart = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('input_text'), text: z.string(), prompt_cache_breakpoint: breakpoint }),
  z
    .strictObject({
      type: z.literal('input_image'),
      detail: z.enum(['auto', 'low', 'high', 'original']).optional(),
      image_url: z.union([dataUrl, z.url({ protocol: /^https?$/ })]).nullish(),
      file_id: z.string().nullish(),
      prompt_cache_breakpoint: breakpoint,
    })
    .refine((part) => Boolean(part.image_url) !== Boolean(part.file_id), 'one of image_url and file_id'),
  z
    .strictObject({
      type: z.literal('input_file'),
      file_id: z.string().nullish(),
      file_data: dataUrl.nullish(),
      file_url: z.url().nullish(),
      filename: z.string().nullish(),
      detail: z.enum(['auto', 'low', 'high']).optional(),
      prompt_cache_breakpoint: breakpoint,
    })
    .refine((part) => !part.file_data || Boolean(part.filename), 'filename is needed beside file_data'),
  z.strictObject({
    type: z.literal('input_audio'),
    input_audio: z.strictObject({ data: z.base64(), format: z.enum(['wav', 'mp3']) }),
  }),
])
const outputPart = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('output_text'),
    text: z.string(),
    annotations: z.array(schemaObject).optional(),
    logprobs: z.array(schemaObject).optional(),
  }),
  z.strictObject({ type: z.literal('refusal'), refusal: z.string() }),
])
const content = z.union([z.string(), z.array(inputPart)])

const inputMessage = z.strictObject({
  type: z.literal('message').optional(),
  role: z.enum(['user', 'system', 'developer']),
  content,
  status,
  id,
})
const outputMessage = z.strictObject({
  type: z.literal('message').optional(),
  role: z.literal('assistant'),
  content: z.union([z.string(), z.array(outputPart).nonempty()]),
  id: z.string().startsWith('msg_').nullish(),
  status,
  phase: z.enum(['commentary', 'final_answer']).nullish(),
})
const named = { name: z.string().max(128).regex(NAME), call_id: callId, status, namespace: z.string().optional() }
const item = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('function_call'),
    id: z.string().startsWith('fc_').nullish(),
    ...named,
    arguments: z.string(),
  }),
  z.strictObject({
    type: z.literal('custom_tool_call'),
    id: z.string().startsWith('ctc_').nullish(),
    ...named,
    input: z.string(),
  }),
  z.strictObject({ type: z.literal('function_call_output'), id, call_id: callId, output: content, status }),
  z.strictObject({ type: z.literal('custom_tool_call_output'), id, call_id: callId, output: content, status }),
  z.strictObject({
    type: z.literal('reasoning'),
    id: z.string().startsWith('rs_').nullish(),
    summary: z.array(z.strictObject({ type: z.literal('summary_text'), text: z.string() })),
    content: z.array(z.strictObject({ type: z.literal('reasoning_text'), text: z.string() })).nullish(),
    encrypted_content: z.string().nullish(),
    status,
  }),
  z.strictObject({ type: z.literal('item_reference'), id: z.string() }),
  ...(
    [
      'web_search_call',
      'file_search_call',
      'computer_call',
      'computer_call_output',
      'code_interpreter_call',
      'image_generation_call',
      'local_shell_call',
      'local_shell_call_output',
      'shell_call',
      'shell_call_output',
      'apply_patch_call',
      'apply_patch_call_output',
      'mcp_list_tools',
      'mcp_approval_request',
      'mcp_approval_response',
      'mcp_call',
      'compaction',
    ] as const
  ).map((type) => z.looseObject({ type: z.literal(type) })),
])

const functionTool = z.strictObject({
  type: z.literal('function'),
  name: z.string().max(64).regex(NAME),
  description: z.string().nullish(),
  parameters: schemaObject.nullable(),
  strict: z.boolean().nullish(),
  defer_loading: z.boolean().optional(),
})
const customTool = z.strictObject({
  type: z.literal('custom'),
  name: z.string().max(64).regex(NAME),
  description: z.string().optional(),
  format: z
    .union([
      z.strictObject({ type: z.literal('text') }),
      z.strictObject({ type: z.literal('grammar'), syntax: z.enum(['lark', 'regex']), definition: z.string() }),
    ])
    .optional(),
})
const tool = z.union([
  functionTool,
  customTool,
  z.strictObject({
    type: z.literal('namespace'),
    name: z.string(),
    description: z.string(),
    tools: z.array(z.union([functionTool.partial({ parameters: true }), customTool])),
  }),
  z.looseObject({
    type: z.enum([
      'web_search',
      'web_search_preview',
      'file_search',
      'code_interpreter',
      'computer_use_preview',
      'image_generation',
      'local_shell',
      'shell',
      'apply_patch',
      'mcp',
    ]),
  }),
])
const reference = z.strictObject({ type: z.enum(['function', 'custom']), name: z.string() })
const toolChoice = z.union([
  z.enum(['none', 'auto', 'required']),
  reference,
  z.strictObject({
    type: z.literal('allowed_tools'),
    mode: z.enum(['auto', 'required']),
    tools: z.array(z.union([reference, z.looseObject({ type: z.string() })])),
  }),
  z.strictObject({
    type: z.enum(['file_search', 'web_search_preview', 'image_generation', 'code_interpreter', 'shell', 'apply_patch']),
  }),
  z.strictObject({ type: z.literal('mcp'), server_label: z.string(), name: z.string().nullish() }),
])
const format = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('text') }),
  z.strictObject({ type: z.literal('json_object') }),
  z.strictObject({
    type: z.literal('json_schema'),
    name: z.string().max(64).regex(NAME),
    description: z.string().optional(),
    schema: schemaObject,
    strict: z.boolean().nullish(),
  }),
])

export const requestSchema = z.strictObject({
  model: z.string().min(1),
  input: z.union([z.string(), z.array(z.union([item, inputMessage, outputMessage])).nonempty()]).optional(),
  background: z.boolean().nullish(),
  context_management: z.array(schemaObject).nullish(),
  conversation: z.union([z.string(), z.strictObject({ id: z.string() })]).nullish(),
  include: z
    .array(
      z.enum([
        'file_search_call.results',
        'web_search_call.results',
        'web_search_call.action.sources',
        'message.input_image.image_url',
        'computer_call_output.output.image_url',
        'code_interpreter_call.outputs',
        'reasoning.encrypted_content',
        'message.output_text.logprobs',
      ]),
    )
    .nullish(),
  instructions: z.string().nullish(),
  max_output_tokens: z.int().min(16).nullish(),
  max_tool_calls: z.int().positive().nullish(),
  metadata: z.record(z.string().max(64), z.string().max(512)).nullish(),
  parallel_tool_calls: z.boolean().nullish(),
  previous_response_id: z.string().startsWith('resp_').nullish(),
  prompt: z.looseObject({ id: z.string() }).nullish(),
  prompt_cache_key: z.string().nullish(),
  prompt_cache_retention: z.enum(['in_memory', '24h']).nullish(),
  reasoning: z
    .strictObject({
      effort: z.enum(['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max']).nullish(),
      summary: z.enum(['auto', 'concise', 'detailed']).nullish(),
    })
    .nullish(),
  safety_identifier: z.string().max(64).nullish(),
  service_tier: z.enum(['auto', 'default', 'flex', 'scale', 'priority', 'fast']).nullish(),
  store: z.boolean().nullish(),
  stream: z.boolean().nullish(),
  stream_options: z.strictObject({ include_obfuscation: z.boolean().optional() }).nullish(),
  temperature: z.number().min(0).max(2).nullish(),
  text: z
    .strictObject({ format: format.optional(), verbosity: z.enum(['low', 'medium', 'high']).nullish() })
    .optional(),
  tool_choice: toolChoice.optional(),
  tools: z.array(tool).max(128).optional(),
  top_logprobs: z.int().min(0).max(20).nullish(),
  top_p: z.number().min(0).max(1).nullish(),
  truncation: z.enum(['auto', 'disabled']).nullish(),
  user: z.string().max(64).optional(),
})

export type ResponsesBody = z.infer<typeof requestSchema>
