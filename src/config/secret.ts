import { inspect } from 'node:util'

const MASK = '[secret]'

/**
 * A value that must not be shown. Every way of printing it (template, JSON, `util.inspect`) gives `[secret]`, and a
 * structured clone of it is empty; only `reveal` gives the value.
 */
export class Secret {
  readonly #value: string

  constructor(value: string) {
    this.#value = value
  }

  /** The value itself, for the one place that sends it. */
  reveal(): string {
    return this.#value
  }

  toString(): string {
    return MASK
  }

  toJSON(): string {
    return MASK
  }

  [inspect.custom](): string {
    return MASK
  }
}
