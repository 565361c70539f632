import type { KeyChange, LevelChange, LimitsDocument, ValueName } from '../governance/index.ts'

/** Tells the workers of changes; `epoch` counts the changes, from 1. */
export type Publish = (
  changes: readonly KeyChange[],
  epoch: number,
  levels: readonly LevelChange[],
  dropped?: readonly ValueName[],
) => void

/** A change of keys that has its room in shared memory, and of which nobody knows yet. */
export interface StagedKeys {
  /** What of it is ignored, and why: for the log. */
  readonly problems: readonly string[]
  /**
   * Puts it in force, by the registry's own `publish` or by this one, which is called even when nothing changes. When
   * that throws, nothing is in force and the room is given back.
   */
  apply(publish?: Publish): void
  /** Gives its room back. */
  discard(): void
}

/** What a registry needs of the values below its levels. */
export interface ValueCounters {
  documents(): Iterable<LimitsDocument>
  /** These keys and levels are others from this change on. */
  changed(levels: ReadonlySet<string>, epoch: number): void
  releaseQuiet(epoch: number): void
}
