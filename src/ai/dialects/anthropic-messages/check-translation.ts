import { FieldProblem } from '../../ir/fields.ts'
import { isObject } from '../../ir/json.ts'
import type { ModelRequest } from '../../ir/request.ts'

/** Refuses what would mean something else, or nothing, at an endpoint of another dialect. */
export function checkTranslation({ parameters, extra }: ModelRequest): void {
  if (parameters.maxOutputTokens === 0) {
    throw new FieldProblem(
      'max_tokens',
      'expected at least 1: only an endpoint of this dialect reads a prompt without answering',
    )
  }
  const thread = extra?.['thread']
  // Left out, the newest turn would be asked alone: an agent's loop whose end never comes.
  if (isObject(thread) && thread['type'] === 'continue') {
    throw new FieldProblem(
      'thread',
      'the turns before are kept by Anthropic, and another provider serves this model: send them in messages',
    )
  }
}
