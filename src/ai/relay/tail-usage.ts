import type { Usage } from '../models/price.ts'
import { tailMember } from './tail-member.ts'
import { readUsage } from './usage.ts'

/** Usage from the end of an answer too long to be held whole. A nested object could look like it, but only after the real one. */
export function tailUsage(tail: Buffer): Usage | null {
  const value = tailMember(tail, 'usage')
  return value === null ? null : readUsage(value)
}
