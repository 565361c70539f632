import { isObject } from '../../ir/json.ts'

const KINDS = ['batch', 'batch output', 'batch of messages', 'response'] as const

/** How the gateway looks at a thing of a provider that tells what it used when it has ended. */
export interface Look {
  readonly kind: (typeof KINDS)[number]
  readonly provider: string
  /** Name of the provider's credential that it was made with. */
  readonly credential: string
  /** As the provider knows it. */
  readonly id: string
  /** As the client named it; null where the thing's end tells it. */
  readonly model: string | null
}

/** As the store keeps it. */
export function lookText(look: Look): string {
  return JSON.stringify(look)
}

/** Null for what a later version may have written. */
export function readLook(text: string): Look | null {
  const value: unknown = JSON.parse(text)
  if (!isObject(value)) return null
  const { kind: said, provider, credential, id, model } = value
  const kind = KINDS.find((each) => each === said)
  if (kind === undefined || typeof provider !== 'string' || typeof credential !== 'string') return null
  if (typeof id !== 'string') return null
  return { kind, provider, credential, id, model: typeof model === 'string' ? model : null }
}
