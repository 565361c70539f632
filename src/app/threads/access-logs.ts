import type { ConfigDocument } from '../../config/index.ts'
import { AccessLog } from '../../observability/index.ts'

type AccessLogConfig = ConfigDocument['log']['access']

/** The access log of a thread, and the one of a candidate configuration, which is opened before anything depends on it. */
export class AccessLogs {
  current: AccessLog
  #config: AccessLogConfig
  #next: AccessLog | null = null
  #nextConfig: AccessLogConfig

  constructor(config: AccessLogConfig) {
    this.#config = config
    this.#nextConfig = config
    this.current = new AccessLog(config)
  }

  /** Opens the candidate's. Throws when it cannot be written: that refuses the configuration, while the old one is still in force. */
  prepare(config: AccessLogConfig): void {
    this.discard()
    if (JSON.stringify(config) === JSON.stringify(this.#config)) return
    this.#next = new AccessLog(config)
    this.#nextConfig = config
  }

  /** The candidate's is the one from now on. */
  adopt(): void {
    if (this.#next === null) return
    void this.current.close()
    this.current = this.#next
    this.#config = this.#nextConfig
    this.#next = null
  }

  /** There is no candidate any more. */
  discard(): void {
    void this.#next?.close()
    this.#next = null
  }
}
