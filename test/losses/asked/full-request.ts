import type { JsonObject } from '../../../src/ai/ir/json.ts'
import type { RequestCase } from '../../golden/translate.ts'

/** A request with objects that no request of the golden corpus has. */
export interface FullRequest {
  readonly feature: string
  readonly input: RequestCase
}

/** A picture of one point. */
export const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='
export const PDF = 'JVBERi0xLjQKJSVFT0YK'
export const WEATHER: JsonObject = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] }
