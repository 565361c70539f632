import { statSync } from 'node:fs'
import type { ConfigDocument } from '../config/index.ts'

/** Certificates that were renewed are served so soon, and after twice that at the latest. */
const LOOK_MS = 1_000

type TlsParts = Pick<ConfigDocument, 'listeners' | 'upstreams'>

/** Every file that TLS is spoken with, towards clients and towards servers, each once. */
export function tlsFiles({ listeners, upstreams }: TlsParts): readonly string[] {
  const own = Object.values(listeners).flatMap(({ tls }) =>
    tls === undefined ? [] : [...tls.certificates.flatMap(({ cert, key }) => [cert, key]), tls.client_ca],
  )
  const theirs = Object.values(upstreams).flatMap(({ tls: { ca, cert, key } }) => [ca, cert, key])
  return [...new Set([...own, ...theirs])].filter((file) => file !== undefined)
}

/**
 * Looks every second whether files have changed, by what their names lead to: so it also sees files that are replaced, links
 * that lead elsewhere, and folders of other machines. What has changed is told once it stays the same from one look to the
 * next: a certificate and its key are two files. A file that is looked at for the first time has not changed.
 */
export class CertificateWatch {
  readonly #files: () => readonly string[]
  readonly #changed: () => void
  readonly #timer: NodeJS.Timeout
  /** By file, as it was at the last look. */
  #seen: ReadonlyMap<string, string>
  /** Something has changed since it was told. */
  #isNew = false

  constructor(files: () => readonly string[], changed: () => void, everyMs = LOOK_MS) {
    this.#files = files
    this.#changed = changed
    this.#seen = this.#look()
    this.#timer = setInterval(() => this.#compare(), everyMs).unref()
  }

  close(): void {
    clearInterval(this.#timer)
  }

  #compare(): void {
    const before = this.#seen
    this.#seen = this.#look()
    const isMoving = [...this.#seen].some(([file, state]) => before.has(file) && before.get(file) !== state)
    if (isMoving) this.#isNew = true
    else if (this.#isNew) {
      this.#isNew = false
      this.#changed()
    }
  }

  #look(): ReadonlyMap<string, string> {
    return new Map(this.#files().map((file) => [file, stateOf(file)]))
  }
}

function stateOf(file: string): string {
  try {
    const { dev, ino, size, mtimeNs } = statSync(file, { bigint: true })
    return `${dev} ${ino} ${size} ${mtimeNs}`
  } catch {
    return 'gone' // loading it will say why
  }
}
