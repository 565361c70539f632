import type { KeyDocument } from '../../src/governance/index.ts'
import { hashKey } from '../../src/storage/index.ts'

/** A key without limits whose secret is `secret-of-<id>`. */
export function keyOf(id: string, differences: Partial<KeyDocument> = {}): KeyDocument {
  return {
    id,
    hash: hashKey(`secret-of-${id}`),
    enabled: true,
    expiresAt: null,
    scopes: [],
    modelsAllow: null,
    modelsDeny: null,
    rate: null,
    budgets: [],
    generationSlot: 0,
    generation: 0,
    ...differences,
  }
}
