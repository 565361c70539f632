import { type Fields, fieldsOf } from '../../ir/fields.ts'
import type { JsonObject } from '../../ir/json.ts'
import type {
  AssistantPart,
  DocumentPart,
  ImagePart,
  OpaquePart,
  ReasoningPart,
  TextPart,
  ToolCallPart,
  ToolResultPart,
  UserPart,
} from '../../ir/parts.ts'
import { readCache } from './cache.ts'
import { decodeCitations } from './citations.ts'
import { readSeal } from './foreign-seals.ts'
import { decodeDocument, decodeImage, decodeSearchResult } from './media.ts'

/** A block that only this dialect knows: tools that the vendor runs, their results, uploads, compactions. */
function opaque(block: Fields): OpaquePart {
  return { type: 'opaque', dialect: 'anthropic-messages', name: block.text('type'), value: block.rest() ?? {} }
}

export function decodeText(block: Fields): TextPart {
  return {
    type: 'text',
    text: block.text('text'),
    citations: decodeCitations(block.array('citations') ?? []),
    cache: readCache(block),
    extra: block.rest(),
  }
}

/** Blocks of a user's message, beside results of tools. */
export function decodeUserBlock(block: Fields): UserPart | ToolResultPart {
  switch (block.text('type')) {
    case 'text':
      return decodeText(block)
    case 'image':
      return decodeImage(block)
    case 'document':
      return decodeDocument(block)
    case 'search_result':
      return decodeSearchResult(block)
    case 'tool_result':
      return decodeToolResult(block)
    default:
      return opaque(block)
  }
}

/** Content of a result that others have no part for; the encoder of this dialect writes the whole of it again. */
function decodeToolResult(block: Fields): ToolResultPart {
  const callId = block.text('tool_use_id')
  const content = block.value('content')
  const result = { type: 'tool-result', callId, isError: block.boolean('is_error') ?? false } as const
  const cache = readCache(block)
  if (content === undefined) return { ...result, content: [], cache, extra: block.rest() }
  if (typeof content === 'string') {
    return { ...result, content: content === '' ? [] : [{ type: 'text', text: content }], cache, extra: block.rest() }
  }
  const parts: (TextPart | ImagePart | DocumentPart)[] = []
  let strange = false
  for (const item of block.items('content') ?? []) {
    const part = RESULTS[item.text('type')]?.(item)
    if (part === undefined) strange = true
    else parts.push(part)
  }
  const extra = strange ? { ...block.rest(), content } : block.rest()
  return { ...result, content: parts, cache, extra }
}

const RESULTS: Readonly<Record<string, (item: Fields) => TextPart | ImagePart | DocumentPart>> = {
  text: decodeText,
  image: decodeImage,
  document: decodeDocument,
  search_result: decodeSearchResult,
}

/** Blocks of one assistant's message, in order: of a client's history, and of an answer. */
export function decodeAssistantBlocks(blocks: readonly unknown[], path: string): AssistantPart[] {
  const parts: AssistantPart[] = []
  // A seal that came in a block of its own belongs to the next text or call.
  let carried: Carried | null = null
  for (const [index, item] of blocks.entries()) {
    const part = decodeAssistantBlock(fieldsOf(item, `${path}[${index}]`))
    if (part.type === 'carried') {
      carried = part
      continue
    }
    const sealed = carried === null ? null : withCarried(part, carried)
    if (sealed !== null) carried = null
    parts.push(sealed ?? part)
  }
  return parts
}

interface Carried {
  readonly type: 'carried'
  readonly kind: string
  readonly signature: ToolCallPart['signature']
}

function withCarried(part: AssistantPart, { kind, signature }: Carried): AssistantPart | null {
  if (part.type === 'tool-call' && kind === 'call') return { ...part, signature }
  return part.type === 'text' && kind === 'text' ? { ...part, signature } : null
}

function decodeAssistantBlock(block: Fields): AssistantPart | Carried {
  switch (block.text('type')) {
    case 'text':
      return decodeText(block)
    case 'thinking':
      return decodeThinking(block)
    case 'redacted_thinking': {
      const { seal, itemId } = readSeal(block.text('data'), 'sealed')
      return { type: 'reasoning', text: '', sealed: seal, itemId, extra: block.rest() }
    }
    case 'tool_use':
      return decodeToolUse(block)
    default:
      return opaque(block)
  }
}

function decodeThinking(block: Fields): ReasoningPart | Carried {
  const text = block.string('thinking') ?? ''
  const signature = block.string('signature') ?? ''
  const extra = block.rest()
  if (signature === '') return { type: 'reasoning', text, extra }
  const { kind, seal, itemId } = readSeal(signature, 'signed')
  if (kind === 'call' || kind === 'text') return { type: 'carried', kind, signature: seal }
  return { type: 'reasoning', text, itemId, extra, ...(kind === 'sealed' ? { sealed: seal } : { signature: seal }) }
}

function decodeToolUse(block: Fields): ToolCallPart {
  const id = block.text('id')
  const name = block.text('name')
  const input = block.object('input')
  return {
    type: 'tool-call',
    id,
    name,
    arguments: input === undefined ? '{}' : JSON.stringify(input),
    cache: readCache(block),
    extra: withoutDirectCaller(block),
  }
}

/** That the model called a tool itself is what everyone assumes. */
export function withoutDirectCaller(block: Fields): JsonObject | undefined {
  const caller = block.object('caller')
  const rest = block.rest()
  return caller === undefined || caller['type'] === 'direct' ? rest : { ...rest, caller }
}
