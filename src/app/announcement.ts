import type { ConfigDocument } from '../config/index.ts'
import { removeInstance, writeInstance } from './instance-file.ts'
import { urlsOf } from './listener-urls.ts'
import type { ListenerPorts } from './listeners.ts'
import { workerCount } from './worker-count.ts'

export interface AnnouncementOptions {
  readonly dataDir: string
  readonly document: () => ConfigDocument
  /** Of the data listeners, as far as they listen. */
  readonly ports: () => ListenerPorts
}

/** Where a running gateway is reached, and the file that tells it to other programs of this machine. */
export class Announcement {
  readonly #options: AnnouncementOptions
  #urls: Readonly<Record<string, string>> = {}
  #controlUrl: string | null = null

  constructor(options: AnnouncementOptions) {
    this.#options = options
  }

  /** Of the data listeners, by their names; none before `begin`. */
  get urls(): Readonly<Record<string, string>> {
    return this.#urls
  }

  /** Everything listens: tells it. */
  begin(controlUrl: string): void {
    this.#controlUrl = controlUrl
    this.#urls = this.#urlsNow()
    this.#write(controlUrl)
  }

  /** Tells where the listeners are when that has changed: as soon as the first worker listens there. */
  look(): void {
    if (this.#controlUrl === null) return
    const urls = this.#urlsNow()
    if (JSON.stringify(urls) === JSON.stringify(this.#urls)) return
    this.#urls = urls
    this.#write(this.#controlUrl)
  }

  end(): void {
    removeInstance(this.#options.dataDir)
  }

  #urlsNow(): Readonly<Record<string, string>> {
    return urlsOf(this.#options.document(), this.#options.ports())
  }

  #write(control: string): void {
    const { dataDir, document } = this.#options
    writeInstance(dataDir, {
      pid: process.pid,
      data: this.#urls['main'] ?? '',
      listeners: this.#urls,
      control,
      workers: workerCount(document()),
    })
  }
}
