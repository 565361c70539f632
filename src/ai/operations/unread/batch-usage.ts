import type { JsonObject } from '../../ir/json.ts'
import type { Usage } from '../../models/price.ts'
import type { ModelRegistry } from '../../models/registry.ts'
import type { ForwardState } from '../forward/forward-state.ts'
import { readToldUsage } from '../usage.ts'

export interface BatchReading {
  readonly registry: ModelRegistry
  readonly state: ForwardState
  /** Of the provider. */
  readonly name: string
  /** The batch has ended and used nothing. */
  readonly onFree: () => void
  /** It has ended, and what it used stands in this file alone. */
  readonly onOutput?: (fileId: string) => void
}

/** What a batch of OpenAI's shape used, which it tells when it is over; null as long as nobody knows. */
export function readBatchUsage(answer: JsonObject, reading: BatchReading): Usage | null {
  const { registry, state, name, onFree, onOutput } = reading
  const { status, model, usage, output_file_id: output } = answer
  // One that was found wrong has not begun.
  if (status === 'failed') onFree()
  if (status !== 'completed' && status !== 'expired' && status !== 'cancelled') return null
  const used = readToldUsage({ usage })
  if (used === null) {
    if (typeof output === 'string') onOutput?.(output)
    return null
  }
  if (used.inputTokens + used.cacheReadTokens + used.outputTokens + used.reasoningTokens === 0) onFree()
  if (typeof model === 'string') {
    state.modelRequested = model
    state.target = registry.resolve(`${name}/${model}`)?.first ?? null
  }
  return { ...used, serviceTier: 'batch' }
}
