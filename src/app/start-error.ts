/** The gateway cannot start (or reload) for a reason that a person can mend: the message says what, `details` where. */
export class StartError extends Error {
  readonly details: string | null

  constructor(message: string, details: string | null = null, options?: ErrorOptions) {
    super(message, options)
    this.name = 'StartError'
    this.details = details
  }
}
