import { isObject, type JsonObject } from '../../ir/json.ts'
import type { ModelTarget } from '../../models/target.ts'

/** Who made, and keeps, what a client names by an id: a provider, with one of its credentials. */
export interface Maker {
  readonly provider: string
  readonly credential: string
  /** As the client named the model; null for what has none. */
  readonly model: string | null
  /** It is made while nobody waits: what it used is told when it is looked at. */
  readonly background: boolean
}

/** As it is kept, under the id and for the key that it was made for. */
export function makerText(maker: Maker): string {
  return JSON.stringify({ maker })
}

/** Null for a text that holds something else: a turn of a conversation. */
export function readMaker(text: string): Maker | null {
  if (!text.startsWith('{"maker":')) return null
  const value: unknown = JSON.parse(text)
  const maker = isObject(value) ? value['maker'] : null
  return isObject(maker) ? makerOf(maker) : null
}

function makerOf({ provider, credential, model, background }: JsonObject): Maker | null {
  if (typeof provider !== 'string' || typeof credential !== 'string') return null
  return { provider, credential, model: typeof model === 'string' ? model : null, background: background === true }
}

/** Whether a request that goes on with what this maker keeps can go to the target. */
export function isOfMaker(
  { provider, credential }: Pick<Maker, 'provider' | 'credential'>,
  target: ModelTarget,
): boolean {
  if (target.provider !== provider || !target.credentials.includes(credential)) return false
  return target.endpointWhere((dialect) => dialect === 'openai-responses') !== null
}
