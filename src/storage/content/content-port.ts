/** Something that is kept for a key: what a client may ask for again. */
export interface KeptContent {
  readonly id: string
  /** The record that this one goes on with; null for none. */
  readonly parent: string | null
  /** Names of its pieces, by which they may be asked for alone. */
  readonly items: readonly string[]
  readonly text: string
}

/** How long something is kept, and how much of all. */
export interface KeepingLimits {
  readonly ttlMs: number
  readonly maxBytes: number
}

/**
 * The store of content as those who serve requests reach it. `tenant` is the key that made it: no other one finds it. Calls
 * that give something reject when the store does not answer.
 */
export interface ContentPort {
  keep(tenant: string, content: KeptContent, limits: KeepingLimits): void
  /** The texts of a record and of all that it goes on with, the oldest first; null when one of them is not there. */
  chain(tenant: string, id: string): Promise<readonly string[] | null>
  /** The texts of the records that hold these pieces. */
  holders(tenant: string, items: readonly string[]): Promise<readonly string[]>
  /** Ids of the newest records that go on with this one, at most so many as a list of them is read. */
  under(tenant: string, parent: string): Promise<readonly string[]>
  /** False when there was nothing. */
  remove(tenant: string, id: string): Promise<boolean>
}
