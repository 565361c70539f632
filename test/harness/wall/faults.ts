import type { Fault, FaultTable } from './fault.ts'
import { bodyFaults } from './faults-body.ts'
import { connectionFaults } from './faults-connection.ts'
import { statusFaults } from './faults-status.ts'
import { streamFaults } from './faults-stream.ts'
import { usageFaults } from './faults-usage.ts'
import { wellBehaved } from './well-behaved.ts'

const FAULTS: FaultTable = {
  ...wellBehaved,
  ...connectionFaults,
  ...bodyFaults,
  ...streamFaults,
  ...statusFaults,
  ...usageFaults,
}
const WITH_ARGUMENT = Object.keys(FAULTS).filter((name) => name.endsWith('-'))

/** The fault that this model name selects, with its argument; null for a model that the wall does not have. */
export function faultOf(model: string): { readonly fault: Fault; readonly argument: string } | null {
  const exact = Object.hasOwn(FAULTS, model) ? FAULTS[model] : undefined
  if (exact) return { fault: exact, argument: '' }
  const name = WITH_ARGUMENT.find((prefix) => model.startsWith(prefix) && model.length > prefix.length)
  const fault = name === undefined ? undefined : FAULTS[name]
  return name !== undefined && fault ? { fault, argument: model.slice(name.length) } : null
}

/** Names of all faults; a trailing `-` means that an argument follows. */
export function faultNames(): string[] {
  return Object.keys(FAULTS)
}
