import type { Exchange, Route } from '../../core/index.ts'
import { ModelAttempts } from './attempts.ts'

/** Tells of an answer, whatever it is, that it took several attempts, and which variant of an A/B test gave it. */
export function pushRoutingHeaders(x: Exchange, headers: string[]): void {
  const { attempting } = x
  if (!(attempting instanceof ModelAttempts)) return
  if (attempting.made > 1) headers.push('x-ferro-attempts', String(attempting.made))
  const { variant } = attempting
  if (variant !== null) headers.push('x-ferro-variant', variant)
}

/** The same, for routes that tell nothing else. */
export const tellRouting: NonNullable<Route['editAnswer']> = (x, _status, headers) => pushRoutingHeaders(x, headers)
