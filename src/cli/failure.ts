/** Exit code of a command that could not do what it was asked to. */
export const EXIT_FAILURE = 1
/** Exit code of a command line that cannot be understood; nothing was done. */
export const EXIT_USAGE = 2

export interface FailureOptions {
  /** Shown below the message, as it is: errors with their places. */
  readonly details?: string | null
  readonly exitCode?: typeof EXIT_FAILURE | typeof EXIT_USAGE
  readonly cause?: unknown
}

/** Ends a command with a message for the person who gave it; anything else that is thrown is shown as a defect. */
export class Failure extends Error {
  readonly details: string | null
  readonly exitCode: number

  constructor(message: string, options: FailureOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'Failure'
    this.details = options.details ?? null
    this.exitCode = options.exitCode ?? EXIT_FAILURE
  }
}
