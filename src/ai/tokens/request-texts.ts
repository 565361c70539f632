import { MEDIA_TOKENS } from '../conversation/media-tokens.ts'
import type { AssistantPart, ToolResultPart, UserPart } from '../ir/parts.ts'
import type { ModelRequest, Tool } from '../ir/request.ts'

/** What of a request is counted: its texts, and what no tokenizer counts. */
export interface RequestTexts {
  readonly texts: readonly string[]
  /** Tokens for media, at a flat rate. */
  readonly mediaTokens: number
  /** Nothing but messages of text: a tokenizer's count is what the vendor counts. */
  readonly plain: boolean
}

/** Takes a request apart. */
export function requestTexts(request: ModelRequest): RequestTexts {
  const texts: string[] = []
  let mediaTokens = 0
  let plain = request.tools.length === 0
  const add = (part: UserPart | AssistantPart | ToolResultPart): void => {
    if (part.type !== 'text') plain = false
    switch (part.type) {
      case 'text':
      case 'reasoning':
      case 'refusal':
        texts.push(part.text)
        return
      case 'tool-call':
        texts.push(part.name, part.arguments)
        return
      case 'tool-result':
        for (const item of part.content) add(item)
        return
      case 'document':
        if (part.source.kind === 'text') texts.push(part.source.text)
        else mediaTokens += MEDIA_TOKENS
        return
      case 'image':
      case 'audio':
      case 'video':
        mediaTokens += MEDIA_TOKENS
        return
      case 'opaque':
        texts.push(JSON.stringify(part.value))
    }
  }
  for (const message of request.messages) for (const part of message.parts) add(part)
  for (const tool of request.tools) texts.push(toolText(tool))
  return { texts, mediaTokens, plain }
}

/** A group of tools is defined once, and not with each of them. */
function toolText(tool: Tool): string {
  if (tool.type === 'builtin') return JSON.stringify(tool.definition)
  return JSON.stringify(tool.namespace === undefined ? tool : { ...tool, namespace: tool.namespace.description })
}
