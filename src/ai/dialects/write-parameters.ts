import type { ParameterName } from '../ir/parameter-names.ts'
import type { Parameters } from '../ir/request.ts'

/** What becomes of one parameter in a dialect: it is written into the draft of a body, or reported. */
export type ParameterWriter<Name extends ParameterName, Draft> = (
  value: NonNullable<Parameters[Name]>,
  draft: Draft,
) => void

/** What becomes of each of them. */
export type ParameterWriters<Draft> = { readonly [Name in ParameterName]: ParameterWriter<Name, Draft> }

/** Writes each parameter that a request has, or reports it. */
export function writeParameters<Draft>(writers: ParameterWriters<Draft>, parameters: Parameters, draft: Draft): void {
  // The keys of `Parameters` are its parameters.
  for (const name of Object.keys(parameters) as ParameterName[]) {
    const value = parameters[name]
    if (value === undefined) continue
    // Each writer takes the value of its own key.
    const write = writers[name] as (value: unknown, draft: Draft) => void
    write(value, draft)
  }
}

/** The writer of a parameter that another place of the encoder looks after. */
export function elsewhere(): void {
  return
}
