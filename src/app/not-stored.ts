import { ControlError } from '../control/index.ts'

/** Does what needs the database; when that refuses, nothing was changed, and the caller hears so. */
export async function notStored<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    const message =
      'The database does not take this now, nothing was changed. Try again when /readyz or the log tells that it is back.'
    throw new ControlError('not_stored', message, { cause })
  }
}
