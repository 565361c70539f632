import { LeftOut } from '../dialects/left-out.ts'
import type { Losses } from '../ir/losses.ts'
import type { ToolResultPart, UserPart } from '../ir/parts.ts'
import type { Message, ModelRequest } from '../ir/request.ts'
import { unsupported } from '../relay/refused-members.ts'
import type { LoweringTarget } from './lower.ts'

/**
 * The request without what the model is known not to take beside parameters: pictures and tools. They are left out with a
 * report, or refused as `on_unsupported` says; a request of which nothing is left is refused.
 */
export function withinAbilities(request: ModelRequest, target: LoweringTarget, losses: Losses): ModelRequest {
  const { tools, vision } = target.capabilities
  const seen = vision === false ? withoutPictures(request, target, losses) : request
  return tools === false ? withoutTools(seen, target, losses) : seen
}

function withoutTools(request: ModelRequest, { onUnsupported }: LoweringTarget, losses: Losses): ModelRequest {
  // What a vendor runs itself is no tool that its model calls.
  const tools = request.tools.filter(({ type }) => type === 'builtin')
  if (tools.length === request.tools.length) return request
  if (onUnsupported === 'reject') throw unsupported('tools')
  losses.drop('tools')
  const parameters = { ...request.parameters, parallelToolCalls: undefined }
  return { ...request, tools, toolChoice: undefined, parameters }
}

function withoutPictures(request: ModelRequest, { onUnsupported }: LoweringTarget, losses: Losses): ModelRequest {
  if (!request.messages.some(hasPicture)) return request
  if (onUnsupported === 'reject') throw unsupported(PICTURE)
  losses.drop(PICTURE)
  const left = new LeftOut(request, losses)
  const messages = request.messages.flatMap((message): Message[] => {
    const blind = withoutThem(message)
    return left.takes(message, blind.parts.length) ? [] : [blind]
  })
  left.check()
  return { ...request, messages }
}

/** As reports name it. */
const PICTURE = 'messages[].image'

function hasPicture(message: Message): boolean {
  if (message.role === 'tool') return message.parts.some(({ content }) => content.some(isPicture))
  return message.role === 'user' && message.parts.some(isPicture)
}

function withoutThem(message: Message): Message {
  if (message.role === 'user') return { ...message, parts: message.parts.filter((part) => !isPicture(part)) }
  if (message.role !== 'tool') return message
  const parts = message.parts.map((part) => ({ ...part, content: part.content.filter((inner) => !isPicture(inner)) }))
  return { ...message, parts }
}

function isPicture({ type }: UserPart | ToolResultPart['content'][number]): boolean {
  return type === 'image'
}
