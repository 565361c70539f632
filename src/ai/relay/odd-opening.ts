import type { AnswerHeaders } from '../../core/index.ts'

/**
 * Why an answer that is no error cannot be read: a status that answers nothing (up to `highest` one does), or a coding that nobody
 * asked for; null: it can.
 */
export function oddOpening(status: number, headers: AnswerHeaders, highest = 200): string | null {
  if (status < 200 || status > highest) return `answered ${status}, which is no answer to this request`
  const encoding = headers['content-encoding']
  return encoding === undefined || encoding === 'identity' ? null : 'compressed its answer, though it was asked not to'
}
