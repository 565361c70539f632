import type { KeyDocument } from '../governance/index.ts'

/** How much an explanation lets a key or a level do: what is asked is no matter of how often. */
export const UNLIMITED = { rates: [], tokenRate: null, concurrency: null, budgets: [] } as const

/** The key of a request that is only supposed: without limits, and with what is said of it. */
export function supposedKey(
  said: Partial<Pick<KeyDocument, 'id' | 'tags' | 'levels' | 'modelsAllow' | 'modelsDeny'>>,
): KeyDocument {
  return {
    ...UNLIMITED,
    id: '',
    hash: '',
    previous: null,
    addresses: null,
    enabled: true,
    expiresAt: null,
    scopes: [],
    tags: [],
    levels: [],
    modelsAllow: null,
    modelsDeny: null,
    generationSlot: 0,
    generation: 0,
    ...said,
  }
}
