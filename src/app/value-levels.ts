import {
  hasReserved,
  isLeasedTaken,
  type Lease,
  type LimitsDocument,
  occupied,
  type ValueDocument,
  type ValueName,
  valueLevel,
} from '../governance/index.ts'
import { compileGlobs, monotonicUs } from '../lib/index.ts'
import type { StoredRule } from '../storage/index.ts'
import { askedBudget, KeyCounters, type KeyCountersOptions, namesOf } from './key-counters.ts'
import type { ValueRefusal } from './messages.ts'
import type { AskedBudget, SpentIn } from './spent-before.ts'

const SWEEP_MS = 60_000
/** Under pressure a rule's values are looked through no oftener. */
const PASS_MS = 1_000
const USED = 'used:'

export interface ValueLevelsOptions extends Omit<KeyCountersOptions, 'spent'> {
  /** The rules of a key or level that are in force. */
  readonly rulesOf: (level: string) => readonly StoredRule[]
  /** What counters have spent, of whose values nobody reserves now. Rejects when the database cannot tell. */
  readonly spent: (asked: readonly AskedBudget[]) => Promise<SpentIn>
  /** Puts fresh rate limits where they were before a restart. */
  readonly restoreRates: (document: LimitsDocument, fresh: ReadonlySet<string>) => void
  /** Has every worker forget these values; answers the number of the change. */
  readonly drop: (names: readonly ValueName[]) => number
}

interface Entry {
  readonly name: ValueName
  readonly document: ValueDocument
  readonly rule: StoredRule
}

export type ValueResult =
  | { readonly document: ValueDocument; readonly refusal: null }
  | { readonly document: null; readonly refusal: ValueRefusal }

/**
 * Counters of values that rules count apart, in the control thread: a value gets them when it is first used, with what it had spent,
 * and loses them when it is out of use. Per rule at most `max_counters` values have some; there is no room for more, not even uncounted.
 */
export class ValueLevels {
  readonly #options: ValueLevelsOptions
  readonly #counters: KeyCounters
  readonly #entries = new Map<string, Entry>()
  /** Values that lost their counters, as long as requests that began before may have them. */
  readonly #retired = new Map<string, ValueDocument>()
  readonly #making = new Map<string, Promise<ValueRefusal | null>>()
  /** Values of each rule, and when they were looked through last. */
  readonly #ofRule = new Map<StoredRule, { readonly names: Set<string>; lookedAtMs: number }>()
  /** Of the value whose counters are being made. */
  #spent: SpentIn = () => 0
  #timer: NodeJS.Timeout | null = null

  constructor(options: ValueLevelsOptions) {
    this.#options = options
    this.#counters = new KeyCounters({ ...options, spent: (counter, period) => this.#spent(counter, period) })
  }

  get size(): number {
    return this.#entries.size
  }

  /** What values in use may do; those that just went out of use among them. */
  *documents(): Iterable<LimitsDocument> {
    for (const { document } of this.#entries.values()) yield document
    for (const document of this.#retired.values()) if (this.#isHeld(document)) yield document
  }

  /** Tells the counters of a value: they are the value's as long as no change comes behind the call of `tell`. */
  async ask(name: ValueName, tell: (result: ValueResult) => void): Promise<void> {
    const level = valueLevel(name)
    for (;;) {
      const entry = this.#entries.get(level)
      if (entry !== undefined) return tell({ document: entry.document, refusal: null })
      let making = this.#making.get(level)
      if (making === undefined) {
        making = this.#make(name, level).finally(() => this.#making.delete(level))
        this.#making.set(level, making)
      }
      const refusal = await making
      if (refusal !== null) return tell({ document: null, refusal })
    }
  }

  /** The rules of these levels are others from this change on: workers have forgotten their values. */
  changed(levels: ReadonlySet<string>, epoch: number): void {
    const gone = [...this.#entries].filter(([, { name }]) => levels.has(name.level)).map(([level]) => level)
    this.#retire(gone, epoch)
  }

  /** No running request began before this change. */
  releaseQuiet(epoch: number): void {
    const { slots } = this.#options
    this.#counters.releaseQuiet(
      epoch,
      [...this.#entries.values()].map(({ document }) => document),
    )
    for (const [level, document] of this.#retired) {
      if ([...namesOf([document])].some((name) => slots.find(name) !== null)) continue
      this.#retired.delete(level)
      slots.release(USED + level)
    }
  }

  close(): void {
    if (this.#timer !== null) clearInterval(this.#timer)
  }

  async #make(name: ValueName, level: string): Promise<ValueRefusal | null> {
    const rule = this.#ruleFor(name)
    if (rule === null) return 'gone'
    const held = this.#held(rule)
    if (held.names.size >= rule.max_counters) this.#look(rule, PASS_MS)
    if (held.names.size >= rule.max_counters) return 'full'
    held.names.add(level)
    let refusal: ValueRefusal = 'unavailable'
    try {
      const asked = rule.budgets.map((budget) => askedBudget(level, budget))
      const retired = this.#retired.get(level)
      const isKept = asked.length === 0 || (retired !== undefined && this.#isHeld(retired))
      const spent = isKept ? () => 0 : await this.#options.spent(asked)
      // The configuration may have changed meanwhile.
      refusal = 'gone'
      if (this.#ruleFor(name) === rule) {
        refusal = 'full'
        this.#spent = spent
        this.#begin(name, level, rule)
        return null
      }
    } catch {
      // The refusal says what failed: the database, or the room in shared memory.
    }
    this.#forget(rule, level)
    return refusal
  }

  /** Nothing is awaited in here. Throws when there is no room in shared memory. */
  #begin(name: ValueName, level: string, rule: StoredRule): void {
    const { slots, counters, restoreRates } = this.#options
    const fresh: string[] = []
    const before = this.#retired.get(level) ?? null
    try {
      const limits = this.#counters.limitsOf(level, { ...rule, rules: [] }, before, fresh)
      const used = slots.allocate(USED + level, 1)
      Atomics.store(counters, used, 1n)
      const document = { ...limits, used }
      restoreRates(document, new Set(fresh))
      this.#counters.keep(namesOf([document]))
      this.#retired.delete(level)
      this.#entries.set(level, { name, document, rule })
      this.#timer ??= setInterval(() => this.#sweep(), SWEEP_MS).unref()
    } catch (error) {
      this.#counters.giveBack(fresh, this.documents())
      throw error
    }
  }

  #sweep(): void {
    for (const rule of [...this.#ofRule.keys()]) this.#look(rule, 0)
  }

  /** Takes their counters from values that nobody has used since the last look, and that lose nothing by it. */
  #look(rule: StoredRule, everyMs: number): void {
    const held = this.#held(rule)
    const nowMs = performance.now()
    if (nowMs - held.lookedAtMs < everyMs) return
    held.lookedAtMs = nowMs
    const { counters, drop } = this.#options
    const gone: string[] = []
    for (const level of held.names) {
      const document = this.#entries.get(level)?.document
      if (document === undefined) continue
      const wasUsed = Atomics.exchange(counters, document.used, 0n) !== 0n
      if (!wasUsed && isIdle(counters, document)) gone.push(level)
    }
    if (gone.length > 0) this.#retire(gone, drop(gone.flatMap((level) => this.#entries.get(level)?.name ?? [])))
  }

  #retire(levels: readonly string[], epoch: number): void {
    for (const level of levels) {
      const entry = this.#entries.get(level)
      if (entry === undefined) continue
      this.#entries.delete(level)
      this.#forget(entry.rule, level)
      this.#retired.set(level, entry.document)
      this.#counters.retire([...namesOf([entry.document])], epoch)
    }
  }

  /** Whether all its counters are still its own: the slot of one that was given back may be another's. */
  #isHeld(document: LimitsDocument): boolean {
    for (const name of namesOf([document])) if (this.#options.slots.find(name) === null) return false
    return true
  }

  #forget(rule: StoredRule, level: string): void {
    const held = this.#ofRule.get(rule)
    held?.names.delete(level)
    if (held?.names.size === 0) this.#ofRule.delete(rule)
  }

  #held(rule: StoredRule) {
    let held = this.#ofRule.get(rule)
    if (held === undefined) {
      held = { names: new Set(), lookedAtMs: Number.NEGATIVE_INFINITY }
      this.#ofRule.set(rule, held)
    }
    return held
  }

  #ruleFor({ level, by, value }: ValueName): StoredRule | null {
    const rules = this.#options.rulesOf(level)
    return (
      rules.find((rule) => rule.by === by && (rule.only === null || compileGlobs(rule.only).matches(value))) ?? null
    )
  }
}

/** Whether nothing would be forgotten with the counters: what was spent the database knows. */
function isIdle(cells: BigInt64Array, { rates, tokenRate, concurrency, budgets }: LimitsDocument): boolean {
  const nowUs = monotonicUs()
  const recovered = (slot: number) => Number(Atomics.load(cells, slot)) <= nowUs
  if (!rates.every(({ slot }) => recovered(slot))) return false
  if (tokenRate !== null && !recovered(tokenRate.slot)) return false
  if (concurrency !== null && isTaken(cells, concurrency, { inFlight: true })) return false
  return !budgets.some((budget) => isTaken(cells, budget, { inFlight: false }))
}

function isTaken(
  cells: BigInt64Array,
  { slot, lease }: { readonly slot: number; readonly lease?: Lease },
  { inFlight }: { readonly inFlight: boolean },
): boolean {
  if (lease !== undefined) return isLeasedTaken(cells, { slot, lease: lease.at, inFlight })
  return inFlight ? occupied(cells, slot) > 0 : hasReserved(cells, slot)
}
