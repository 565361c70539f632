import type { ConfigDocument } from '../config/index.ts'
import { type Actor, keyOfFile, type LevelPort, type LevelView } from '../control/index.ts'
import type { Membership } from '../governance/index.ts'
import type { LedgerWriter, StoredKey, StoredLevel, StoredLevelKind } from '../storage/index.ts'
import { isNamed } from './level-names.ts'
import { checkEmpty, checkPlaces, checkStep, levelEntry, levelsOfKind, plainView, removed } from './level-rules.ts'
import { Levels, levelNameOf } from './levels.ts'

/** Levels and the places of keys in a database whose gateway does not run: what is changed is in force at its next start. */
export class DatabaseLevels implements LevelPort {
  readonly #document: ConfigDocument
  readonly #writer: Pick<LedgerWriter, 'administration'>

  constructor(document: ConfigDocument, writer: Pick<LedgerWriter, 'administration'>) {
    this.#document = document
    this.#writer = writer
  }

  listLevels(kind: StoredLevelKind): readonly LevelView[] {
    const stored = this.#stored()
    return levelsOfKind(kind, { levels: this.#levels(stored), stored, view: plainView })
  }

  levelsOf(key: Membership): readonly string[] {
    return this.#levels().namesFor(key)
  }

  /** What is wrong with where a key wants to be, for people; null: nothing. */
  problemOf(key: Membership): string | null {
    return this.#levels().problemOf(key)?.message ?? null
  }

  isNamedInFile(kind: StoredLevelKind | 'key', id: string): boolean {
    return isNamed(this.#document, kind, id)
  }

  async putLevel(
    kind: StoredLevelKind,
    id: string,
    by: Actor,
    make: (before: LevelView | null) => StoredLevel | Promise<StoredLevel>,
  ): Promise<LevelView> {
    const before = this.#find(kind, id)
    const after = await make(before)
    const now = this.#stored()
    checkStep(this.#levels(now), { before, after })
    const stored = new Map(now).set(levelNameOf(after), after)
    checkPlaces(this.#levels(now), this.#levels(stored), { keys: this.#keys(), stored })
    this.#writer.administration.putLevel(after, levelEntry(by, { before, after }))
    return plainView(after, 'database')
  }

  removeLevel(kind: StoredLevelKind, id: string, by: Actor): Promise<LevelView | null> {
    const before = this.#find(kind, id)
    if (before !== null) {
      const stored = this.#stored()
      checkStep(this.#levels(stored), { before, after: null })
      checkEmpty(this.#levels(stored), before, { keys: this.#keys(), stored })
      this.#writer.administration.putLevel(removed(before), levelEntry(by, { before, after: null }))
    }
    return Promise.resolve(before)
  }

  #find(kind: StoredLevelKind, id: string): LevelView | null {
    return this.listLevels(kind).find((level) => level.id === id) ?? null
  }

  #stored(): ReadonlyMap<string, StoredLevel> {
    return new Map(this.#writer.administration.levels().map((level) => [levelNameOf(level), level]))
  }

  #levels(stored = this.#stored()): Levels {
    return new Levels(this.#document, stored.values())
  }

  #keys(): StoredKey[] {
    return [...this.#document.keys.map(keyOfFile), ...this.#writer.administration.keys()]
  }
}
