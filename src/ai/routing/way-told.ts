import type { Exchange } from '../../core/index.ts'
import type { Traffic } from '../../governance/index.ts'
import { historyText } from './attempt-history.ts'
import { ModelAttempts } from './attempts.ts'

/** What the way to the answer was, as records tell it. */
export function wayTold({ attempting }: Exchange): Pick<Traffic, 'attemptHistory' | 'variant'> {
  if (!(attempting instanceof ModelAttempts)) return {}
  const { history, variant } = attempting
  return { attemptHistory: history.length > 1 ? historyText(history) : null, variant }
}
