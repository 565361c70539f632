import { hash as digest } from 'node:crypto'
import type { DialectTraits } from '../dialects/dialect.ts'

const FOREIGN = /[^A-Za-z0-9_-]/g
const HASH_LENGTH = 8

/**
 * What tools are called upstream. A name that the upstream takes stays as it is; any other one is replaced by a name that
 * depends on it alone, so that the same tool has the same name in each request (a vendor's prompt cache keeps it).
 */
export class ToolNames {
  readonly #rule: DialectTraits['toolName']
  readonly #wire = new Map<string, string>()
  readonly #original = new Map<string, string>()

  constructor(rule: DialectTraits['toolName']) {
    this.#rule = rule
  }

  /** The upstream's name of a tool. */
  wire(name: string): string {
    const known = this.#wire.get(name)
    if (known !== undefined) return known
    const made = this.#isTaken(name) ? name : this.#replaced(name)
    this.#wire.set(name, made)
    this.#original.set(made, name)
    return made
  }

  /** The client's name of a tool that the upstream calls; a name that nobody defined is left as it is. */
  original(wire: string): string {
    return this.#original.get(wire) ?? wire
  }

  /** Whether any name was replaced. */
  get replacing(): boolean {
    for (const [name, wire] of this.#wire) if (name !== wire) return true
    return false
  }

  #isTaken(name: string): boolean {
    const { pattern, longest } = this.#rule
    return name.length <= longest && pattern.test(name) && !this.#original.has(name)
  }

  #replaced(name: string): string {
    const { pattern, longest } = this.#rule
    const hash = digest('sha256', name).slice(0, HASH_LENGTH)
    let stem = name.replace(FOREIGN, '_').slice(0, longest - HASH_LENGTH - 1)
    if (!pattern.test(`${stem}_${hash}`)) stem = `tool_${stem}`.slice(0, longest - HASH_LENGTH - 1)
    return `${stem}_${hash}`
  }
}
