import { createHash } from 'node:crypto'
import { type FSWatcher, lstatSync, readFileSync, watch } from 'node:fs'
import { basename, dirname, resolve } from 'node:path'

/** Calls `changed` when the content of a file has changed; editors that replace the file are followed. */
export class ConfigWatch {
  readonly #path: string
  readonly #changed: () => void
  readonly #watcher: FSWatcher
  #digest: string
  #timer: NodeJS.Timeout | null = null

  constructor(path: string, changed: () => void) {
    this.#path = resolve(path)
    this.#changed = changed
    this.#digest = this.#read()
    // The folder, not the file: a replaced file is another inode.
    this.#watcher = watch(dirname(this.#path), (_event, name) => {
      if (name === null || name === basename(this.#path) || this.#isLink()) this.#soon()
    })
    this.#watcher.on('error', () => this.#watcher.close())
  }

  close(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#watcher.close()
  }

  /** Then another name in the folder may be what changes, as when Kubernetes replaces a mounted ConfigMap. */
  #isLink(): boolean {
    return lstatSync(this.#path, { throwIfNoEntry: false })?.isSymbolicLink() === true
  }

  /** Writers need a moment to finish; what counts is the content after it. */
  #soon(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = setTimeout(() => {
      const digest = this.#read()
      if (digest === this.#digest) return
      this.#digest = digest
      this.#changed()
    }, 100)
  }

  #read(): string {
    try {
      return createHash('sha256').update(readFileSync(this.#path)).digest('hex')
    } catch {
      return '' // gone or unreadable for now: loading it will say why
    }
  }
}
