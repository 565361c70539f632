import type { Coding } from './accept-encoding.ts'
import type { Found } from './file-lookup.ts'

/** How long what was found is taken to be still so. */
export const TRUST_MS = 100
const MAX_ENTRIES = 2_048
const MAX_BYTES = 8_388_608

/**
 * What was found in the last moment, small files with their content: opening, asking and reading cost five trips through
 * libuv's threads, and for a file that is asked for a thousand times a second a tenth of a second is as good as now
 * (bench/micro/files.ts: 1 KiB file 169 to 50 µs of processor time; with three compressed files looked for, 397 to 59). All of it is forgotten at once, so nothing has to be kept in order;
 * what does not fit is not kept.
 */
export class RecentFiles {
  readonly #now: () => number
  readonly #found = new Map<string, Found>()
  #bytes = 0
  #since = 0

  /** `now`: milliseconds that only grow. */
  constructor(now: () => number) {
    this.#now = now
  }

  /** Null when it must be looked for. */
  get(path: string, codings: readonly Coding[]): Found | null {
    if (this.#found.size === 0) return null
    if (this.#now() - this.#since > TRUST_MS) {
      this.#found.clear()
      this.#bytes = 0
      return null
    }
    return this.#found.get(keyOf(path, codings)) ?? null
  }

  /** Keeps a finding whose search began at `since`, but not an open file: that is its taker's. */
  keep(
    path: string,
    codings: readonly Coding[],
    { found, since }: { readonly found: Found; readonly since: number },
  ): void {
    if (found.kind === 'busy' || (found.kind === 'file' && found.fd !== null)) return
    const bytes = found.kind === 'file' ? found.size : 0
    if (this.#found.size >= MAX_ENTRIES || this.#bytes + bytes > MAX_BYTES) return
    // Older than the rest: trusted no longer than it deserves.
    if (this.#found.size === 0 || since < this.#since) this.#since = since
    this.#found.set(keyOf(path, codings), found)
    this.#bytes += bytes
  }
}

/** No path has a line end. */
function keyOf(path: string, codings: readonly Coding[]): string {
  return codings.length === 0 ? path : `${path}\n${codings.join()}`
}
