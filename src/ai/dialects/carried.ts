import type { JsonObject } from '../ir/json.ts'
import type { Losses } from '../ir/losses.ts'
import type { AssistantPart, ToolResultPart, UserPart } from '../ir/parts.ts'
import type { BuiltinTool, Message, ModelRequest, Tool } from '../ir/request.ts'
import type { DialectName } from './name.ts'

/*
 * What each encoder says it carries of the parts, messages and tools that it meets, and the report of all the rest. The tables
 * are exhaustive by type: a new member of the neutral form does not compile until every dialect has said what becomes of it.
 */

export type AnyPart = UserPart | AssistantPart | ToolResultPart
type PartType = AnyPart['type']
type Member<Thing> = Thing extends unknown ? keyof Thing : never

/**
 * What becomes of a member. `yes`: the encoder writes it, or reports by itself what it cannot say of it. `own`: it writes what
 * came in its own dialect. `no`: it has no place for it, which is reported here.
 */
export type Carried = 'yes' | 'own' | 'no'

/** Members without which a part or a tool is nothing, or which say how it came about: there is nothing to decide. */
interface Given {
  text: 'text' | 'itemId'
  image: 'source'
  document: 'source'
  audio: 'source'
  video: 'source'
  reasoning: 'text' | 'itemId' | 'summary'
  'tool-call': 'id' | 'name' | 'arguments' | 'custom' | 'namespace' | 'itemId'
  'tool-result': 'callId' | 'name' | 'content' | 'custom'
  refusal: 'text' | 'itemId'
  opaque: 'dialect' | 'name' | 'value'
}

type PartMembers<Type extends PartType> = Exclude<Member<Extract<AnyPart, { type: Type }>>, 'type' | Given[Type]>
type ToolMembers<Type extends Tool['type']> = Exclude<
  Member<Extract<Tool, { type: Type }>>,
  'type' | 'name' | 'namespace' | 'parameters' | 'kind' | 'definition'
>

/** `no` for a kind of part or tool that has no place at all: it is reported as a whole. */
export type CarriedParts = {
  readonly [Type in PartType]: 'no' | { readonly [Name in PartMembers<Type>]: Carried }
}

export interface CarriedRequest {
  readonly parts: CarriedParts
  /** The same for what results of tools hold. */
  readonly results: Pick<CarriedParts, 'text' | 'image' | 'document'>
  readonly tools: { readonly [Type in Tool['type']]: 'no' | { readonly [Name in ToolMembers<Type>]: Carried } }
  readonly messages: {
    readonly name: { readonly [Role in Exclude<Message['role'], 'tool'>]: Carried }
    readonly extra: Carried
  }
  readonly extra: Carried
  readonly betas: Carried
}

/** What members are called in a report, where not by their own names. */
const PUBLIC: Readonly<Record<string, string>> = { cache: 'cache_control', isError: 'is_error', sealed: 'signature' }

/** What kinds of parts are called in a report. */
export function publicType(type: PartType): string {
  return type.replace('-', '_')
}

/** What a tool that a vendor runs is called in a report: by its kind where others have the like, else by its own name there. */
export function builtinPath({ kind, definition }: BuiltinTool): string {
  if (kind !== 'other') return `tools[].${kind}`
  const { type = Object.keys(definition)[0], name } = definition
  const own = typeof type === 'string' ? type : 'other'
  return typeof name === 'string' && name !== own ? `tools[].${own}.${name}` : `tools[].${own}`
}

interface Reporting {
  readonly own: boolean
  readonly losses: Losses
}

/** Reports all of a request that an encoder of `dialect` says it does not carry. */
export function reportUncarried(request: ModelRequest, dialect: DialectName, table: CarriedRequest, losses: Losses) {
  const reporting: Reporting = { own: request.dialect === dialect, losses }
  for (const message of request.messages) reportMessage(message, table, reporting)
  for (const tool of request.tools) reportTool(tool, table, reporting)
  reportExtra(request.extra, table.extra, '', reporting)
  if (isCarried(table.betas, reporting)) return
  for (const name of request.betas ?? []) losses.drop(`anthropic-beta.${name}`)
}

function reportMessage(message: Message, table: CarriedRequest, reporting: Reporting): void {
  if (
    message.role !== 'tool' &&
    message.name !== undefined &&
    !isCarried(table.messages.name[message.role], reporting)
  ) {
    reporting.losses.drop('messages[].name')
  }
  reportExtra(message.extra, table.messages.extra, 'messages[]', reporting)
  for (const part of message.parts) {
    reportPart(part, table.parts, 'messages[]', reporting)
    if (message.role !== 'assistant') reportSeal(part, reporting)
    if (part.type !== 'tool-result') continue
    for (const item of part.content) {
      reportPart(item, { ...table.parts, ...table.results }, 'messages[].tool_result', reporting)
      reportSeal(item, reporting)
    }
  }
}

/** Only what a model said is sealed: whoever else says it, nobody reads the seal. */
function reportSeal(part: AnyPart, { losses }: Reporting): void {
  if (part.type === 'text' && part.signature !== undefined) losses.drop('messages[].text.signature')
}

/** Reports all of a part that a table does not carry. `path`: where parts stand in what is reported. */
export function reportPart(part: AnyPart, table: Partial<CarriedParts>, path: string, reporting: Reporting): void {
  const row = table[part.type]
  if (row === undefined) return
  const name = part.type === 'opaque' ? part.name : publicType(part.type)
  if (row === 'no') {
    if (!isNothing(part)) reporting.losses.drop(`${path}.${name}`)
    return
  }
  reportMembers(part, row, `${path}.${name}`, reporting)
}

function isNothing(part: AnyPart): boolean {
  return (part.type === 'text' || part.type === 'refusal') && part.text === ''
}

function reportTool(tool: Tool, table: CarriedRequest, reporting: Reporting): void {
  const row = table.tools[tool.type]
  // A tool that the vendor runs is told by the encoder, which knows its equals.
  const path = tool.type === 'custom' ? 'tools[].custom' : 'tools[]'
  if (row === 'no') {
    reporting.losses.drop(path)
    return
  }
  reportMembers(tool, row, path, reporting)
}

function reportMembers(
  thing: object,
  row: Readonly<Record<string, Carried>>,
  path: string,
  reporting: Reporting,
): void {
  for (const [member, value] of Object.entries(thing)) {
    const carried = row[member]
    if (carried === undefined || isCarried(carried, reporting) || saysNothing(member, value)) continue
    // `extra` is the only member of the name, and always an object.
    if (member === 'extra') reporting.losses.dropAll(path, value as JsonObject)
    else reporting.losses.drop(`${path}.${PUBLIC[member] ?? member}`)
  }
}

/** A member that is there, and says what its absence says. */
function saysNothing(member: string, value: unknown): boolean {
  if (value === undefined || value === false || value === '') return true
  return (Array.isArray(value) && value.length === 0) || (member === 'detail' && value === 'auto')
}

function reportExtra(extra: JsonObject | undefined, carried: Carried, path: string, reporting: Reporting): void {
  if (extra !== undefined && !isCarried(carried, reporting)) reporting.losses.dropAll(path, extra)
}

function isCarried(carried: Carried, { own }: Reporting): boolean {
  return carried === 'yes' || (carried === 'own' && own)
}
