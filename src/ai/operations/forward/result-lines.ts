import { messagesMeter } from '../../dialects/anthropic-messages/meter.ts'
import { isObject, objectIn } from '../../ir/json.ts'
import type { Usage } from '../../models/price.ts'
import { usageOfTokens } from '../../models/token-usage.ts'
import { readToldUsage } from '../usage.ts'

/** What one line of a batch's results says: which model answered and what that used, nothing, or what cannot be counted (null). */
export type ResultLine = { readonly model: string; readonly usage: Usage } | 'free' | null

export type ReadResultLine = (line: string) => ResultLine

/** Ends of requests that cost nothing (Message Batches API, 2026-11). */
const FREE: ReadonlySet<unknown> = new Set(['errored', 'canceled', 'expired'])

/** A line of the results of a batch of Messages. */
export function readMessagesLine(line: string): ResultLine {
  const result = objectIn(line)?.['result']
  if (!isObject(result)) return null
  if (FREE.has(result['type'])) return 'free'
  const { message } = result
  if (result['type'] !== 'succeeded' || !isObject(message) || typeof message['model'] !== 'string') return null
  const tokens = messagesMeter.readUsage(message)
  return tokens === null ? null : { model: message['model'], usage: usageOfTokens(tokens) }
}

/** A line of the output file of a batch of OpenAI's shape (Batch API, "The request output object", 2026-11). */
export function readOutputLine(line: string): ResultLine {
  const value = objectIn(line)
  if (value === null) return null
  const { response, error } = value
  if (!isObject(response)) return isObject(error) ? 'free' : null
  const { status_code: status, body } = response
  if (typeof status === 'number' && status >= 400) return 'free'
  if (!isObject(body) || typeof body['model'] !== 'string') return null
  const usage = readToldUsage(body)
  return usage === null ? null : { model: body['model'], usage }
}
