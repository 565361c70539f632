import { readFileSync } from 'node:fs'
import type { ConfigDocument } from '../config/index.ts'
import { readCertificate } from '../core/index.ts'
import type { MetricsCollector, Sample } from '../observability/index.ts'

interface Served {
  readonly labels: Readonly<Record<'kind' | 'name' | 'file', string>>
  readonly endsAt: number
}

/** Until when the certificates are valid that listeners serve and upstreams are shown. */
export class CertificateExpiry {
  #served: readonly Served[] = []

  /** These are in force from now on. */
  read({ listeners, upstreams }: Pick<ConfigDocument, 'listeners' | 'upstreams'>): void {
    this.#served = [
      ...Object.entries(listeners).flatMap(([name, { tls }]) =>
        (tls?.certificates ?? []).flatMap(({ cert }) => this.#one('listener', name, cert)),
      ),
      ...Object.entries(upstreams).flatMap(([name, { tls }]) =>
        tls.cert === undefined ? [] : this.#one('upstream', name, tls.cert),
      ),
    ]
  }

  register(metrics: MetricsCollector): void {
    const help = 'Until a certificate that is served (listener) or shown (upstream) ends; negative when it has ended.'
    metrics.gauge({ name: 'ferro_certificate_seconds_left', help }, () => this.#samples())
  }

  #samples(): Sample[] {
    const nowMs = Date.now()
    return this.#served.map(({ labels, endsAt }) => ({ labels, value: Math.round((endsAt - nowMs) / 1000) }))
  }

  /** Of a file that was good a moment ago: when it is gone again, what was known of it stays. */
  #one(kind: 'listener' | 'upstream', name: string, file: string): Served[] {
    try {
      const { validToDate } = readCertificate({ file, pem: readFileSync(file, 'utf8') })
      return [{ labels: { kind, name, file }, endsAt: validToDate.getTime() }]
    } catch {
      return this.#served.filter(({ labels }) => labels.kind === kind && labels.name === name && labels.file === file)
    }
  }
}
