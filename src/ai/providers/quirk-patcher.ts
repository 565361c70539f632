import { createScanner, type Edit, type JsonScanner, patchTopLevel } from '../../lib/index.ts'
import type { JsonObject } from '../ir/json.ts'
import type { Losses } from '../ir/losses.ts'
import type { BodyQuirks } from './endpoint.ts'

const MAX_DEPTH = 64

/** Applies a provider's quirks to bodies that are relayed and to bodies that were translated. */
export class QuirkPatcher {
  readonly #renames: readonly (readonly [from: string, to: string])[]
  readonly #drops: readonly string[]
  readonly #defaults: readonly (readonly [name: string, value: unknown])[]
  readonly #scanner: JsonScanner
  /** Numbers of names in scans. */
  readonly #index: ReadonlyMap<string, number>

  constructor(quirks: BodyQuirks) {
    this.#renames = Object.entries(quirks.rename ?? {})
    this.#drops = quirks.drop ?? []
    this.#defaults = Object.entries(quirks.defaults ?? {})
    const names = [...new Set([...this.#renames.flat(), ...this.#drops, ...this.#defaults.map(([name]) => name)])]
    this.#index = new Map(names.map((name, index) => [name, index]))
    this.#scanner = createScanner(names, { maxDepth: MAX_DEPTH })
  }

  /** A body that a scan has accepted; every byte outside the changed members stays. */
  relay(body: Buffer, losses: Losses): Buffer {
    const scanned = this.#scanner.scan(body)
    // Only a member given twice under one of these names can be wrong with it now: the upstream will say so.
    if (scanned.kind !== 'object') return body
    const edits: Edit[] = []
    const set = (name: string, json: string) => edits.push({ kind: 'set', index: this.#at(name), json })
    for (const name of this.#drops) {
      if (!scanned.has(this.#at(name))) continue
      losses.drop(name)
      edits.push({ kind: 'remove', index: this.#at(name) })
    }
    for (const [from, to] of this.#renames) {
      const at = this.#at(from)
      if (!scanned.has(at)) continue
      edits.push({ kind: 'remove', index: at })
      // What the client says in the provider's own word counts.
      if (!scanned.has(this.#at(to))) set(to, body.toString('utf8', scanned.valueStart(at), scanned.valueEnd(at)))
    }
    for (const [name, value] of this.#defaults) if (!scanned.has(this.#at(name))) set(name, JSON.stringify(value))
    return edits.length === 0 ? body : patchTopLevel(body, scanned, edits)
  }

  /** A body that an encoder made. */
  translated(body: JsonObject, losses: Losses): JsonObject {
    const patched: Record<string, unknown> = { ...body }
    for (const name of this.#drops) {
      if (patched[name] === undefined) continue
      losses.drop(name)
      delete patched[name]
    }
    for (const [from, to] of this.#renames) {
      if (patched[from] === undefined) continue
      patched[to] ??= patched[from]
      delete patched[from]
    }
    for (const [name, value] of this.#defaults) patched[name] ??= value
    return patched
  }

  #at(name: string): number {
    return this.#index.get(name) ?? -1
  }
}
