/** A pattern of the configuration that cannot be compiled; the message says what is wrong with it and what to write. */
export class PatternError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'PatternError'
  }
}
