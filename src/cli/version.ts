import { readFileSync } from 'node:fs'

/** The version of this package. */
export function packageVersion(): string {
  // Two folders up both in the sources and in what is emitted from them.
  const manifest: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
  const version = typeof manifest === 'object' && manifest !== null && 'version' in manifest ? manifest.version : null
  if (typeof version !== 'string') throw new Error('package.json names no version')
  return version
}
