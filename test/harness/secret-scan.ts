import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** One place where a secret was found: which, spelt how, where, and the byte offset. */
export interface SecretHit {
  readonly secret: string
  readonly spelling: string
  readonly source: string
  readonly offset: number
}

/** The spellings in which a secret is looked for, by name. */
export function spellingsOf(secret: string): ReadonlyMap<string, string> {
  const bytes = Buffer.from(secret, 'utf8')
  const hex = bytes.toString('hex')
  const spellings = new Map([
    ['raw', secret],
    ['reversed', secret.split('').reverse().join('')],
    ['hex', hex],
    ['hex-upper', hex.toUpperCase()],
    ['url-encoded', encodeURIComponent(secret)],
    ['url-encoded-fully', [...bytes].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('')],
    [
      'json-escaped',
      secret
        .split('')
        .map((char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)
        .join(''),
    ],
    ['spaced-hex', hex.replace(/..(?!$)/g, '$& ')],
  ])
  // Base64 of a secret inside a longer text depends on its offset modulo 3; the first and last group mix with neighbours.
  for (const shift of [0, 1, 2]) {
    const encoded = Buffer.concat([Buffer.alloc(shift), bytes])
      .toString('base64')
      .replace(/=+$/, '')
    const stable = encoded.slice(shift === 0 ? 0 : 4, Math.floor((shift + bytes.length) / 3) * 4)
    if (stable.length < 8) continue
    spellings.set(`base64+${shift}`, stable)
    spellings.set(`base64url+${shift}`, stable.replaceAll('+', '-').replaceAll('/', '_'))
  }
  return spellings
}

/** Hits of the secrets in one text or buffer, the first of each spelling. */
export function scanBytes(content: string | Buffer, source: string, secrets: readonly string[]): SecretHit[] {
  const bytes = typeof content === 'string' ? Buffer.from(content, 'utf8') : content
  const hits: SecretHit[] = []
  for (const secret of secrets) {
    if (secret.length < 8) throw new Error(`a canary of ${secret.length} characters would be found by chance`)
    for (const [spelling, text] of spellingsOf(secret)) {
      const offset = bytes.indexOf(text)
      if (offset >= 0) hits.push({ secret, spelling, source, offset })
    }
  }
  return hits
}

/** Hits in every file under a directory (databases and their logs included, as bytes), by path. */
export function scanDirectory(directory: string, secrets: readonly string[]): SecretHit[] {
  const entries = readdirSync(directory, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  return files.flatMap((file) => scanBytes(readFileSync(file), file, secrets))
}
