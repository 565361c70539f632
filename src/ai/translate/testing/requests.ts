import type { Capabilities, DialectTraits } from '../../dialects/dialect.ts'
import { COMMON_DIALECT } from '../../dialects/tables.ts'
import type { Message, ModelRequest, ToolMessage } from '../../ir/request.ts'
import { UNKNOWN } from '../../models/capabilities.ts'

/** A dialect that can say nothing but the plainest. */
export const NARROW: DialectTraits = {
  toolName: { pattern: /^[a-z_][a-z0-9_]*$/, longest: 24 },
  callId: { pattern: /^[a-z0-9_]+$/, longest: 40 },
  instructions: 'leading',
  alternates: true,
  pairsCalls: true,
  customTools: false,
  checksSeals: true,
  choices: false,
}

/** A dialect that takes all that the neutral form has. */
export const WIDE: DialectTraits = {
  toolName: { pattern: /./, longest: 1_000 },
  callId: null,
  instructions: 'anywhere',
  alternates: false,
  pairsCalls: false,
  customTools: true,
  namespaces: true,
  checksSeals: false,
  choices: true,
}

export function capabilitiesOf(differences: Partial<Capabilities> = {}): Capabilities {
  return { ...UNKNOWN, ...differences }
}

export function requestOf(differences: Partial<ModelRequest> = {}): ModelRequest {
  return {
    dialect: COMMON_DIALECT,
    model: 'fast',
    messages: [user('hello')],
    tools: [],
    parameters: {},
    stream: false,
    ...differences,
  }
}

export function user(text: string): Message {
  return { role: 'user', parts: [{ type: 'text', text }] }
}

export function system(text: string): Message {
  return { role: 'system', authority: 'system', parts: [{ type: 'text', text }] }
}

export function says(text: string): Message {
  return { role: 'assistant', parts: [{ type: 'text', text }] }
}

/** An assistant that calls tools by these ids. */
export function calls(...ids: readonly string[]): Message {
  return { role: 'assistant', parts: ids.map((id) => ({ type: 'tool-call', id, name: `tool_${id}`, arguments: '{}' })) }
}

export function results(...ids: readonly string[]): ToolMessage {
  return {
    role: 'tool',
    parts: ids.map((callId) => ({
      type: 'tool-result',
      callId,
      content: [{ type: 'text', text: `result ${callId}` }],
      isError: false,
    })),
  }
}
