import { MEDIA_TOKENS } from '../conversation/media.ts'
import type { AssistantPart, ToolResultPart, UserPart } from '../ir/parts.ts'
import type { ModelRequest, Tool } from '../ir/request.ts'
import { estimateTokens } from '../relay/delivered.ts'

/** What frames a message, and what every conversation has beside its messages. */
const MESSAGE_TOKENS = 4
const CONVERSATION_TOKENS = 3

/** Tokens of a request where nobody can say them exactly: a quarter of the bytes of its texts, and a flat rate for media. */
export function estimateRequest(request: ModelRequest): number {
  let tokens = CONVERSATION_TOKENS
  for (const message of request.messages) {
    tokens += MESSAGE_TOKENS
    for (const part of message.parts) tokens += estimatePart(part)
  }
  for (const tool of request.tools) tokens += estimateTokens(Buffer.byteLength(textOf(tool)))
  return tokens
}

function estimatePart(part: UserPart | AssistantPart | ToolResultPart): number {
  switch (part.type) {
    case 'text':
    case 'reasoning':
    case 'refusal':
      return estimateTokens(Buffer.byteLength(part.text))
    case 'tool-call':
      return estimateTokens(Buffer.byteLength(part.name) + Buffer.byteLength(part.arguments))
    case 'tool-result':
      return part.content.reduce((sum, item) => sum + estimatePart(item), 0)
    case 'document':
      return part.source.kind === 'text' ? estimateTokens(Buffer.byteLength(part.source.text)) : MEDIA_TOKENS
    case 'image':
    case 'audio':
    case 'video':
      return MEDIA_TOKENS
    case 'opaque':
      return estimateTokens(Buffer.byteLength(JSON.stringify(part.value)))
  }
}

function textOf(tool: Tool): string {
  return JSON.stringify(tool.type === 'builtin' ? tool.definition : tool)
}
