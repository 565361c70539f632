import type { ConfigDocument } from '../config/index.ts'
import {
  breakerSlot,
  inPlaces,
  placesSlot,
  recentAnswersSlot,
  restsSlot,
  retryBudgetSlot,
  type SlotNeed,
  shadowsSlot,
  targetSlot,
  trialSlot,
} from '../core/index.ts'
import { memoriesOf } from './model-memories.ts'

/** What slots of models' targets are called by; as in the module of models, which the control thread does not load. */
export const MODELS = 'models'

/** Slots of shared memory in which workers agree on what they know of models' targets. */
export function modelSlotNeeds(document: Pick<ConfigDocument, 'providers' | 'models'>, seats: number): SlotNeed[] {
  const memories = memoriesOf(document)
  const credentials = new Set(memories.map(({ credentialId }) => credentialId))
  return [
    retryBudgetSlot(MODELS),
    ...memories.flatMap(({ id, places, isBounded }) => [
      inPlaces(recentAnswersSlot(MODELS, id), places),
      inPlaces(targetSlot(MODELS, id, seats), places),
      inPlaces(breakerSlot(MODELS, id, seats), places),
      restsSlot(MODELS, id, places),
      ...(isBounded ? [placesSlot(MODELS, id, seats)] : []),
    ]),
    ...Object.entries(document.models).flatMap(([name, { canary, shadow }]) => [
      ...(canary === undefined ? [] : [trialSlot(name, JSON.stringify(canary))]),
      ...(shadow === undefined ? [] : [shadowsSlot(MODELS, name, seats)]),
    ]),
    ...[...credentials].map((id) => restsSlot(MODELS, id, 1)),
  ]
}
