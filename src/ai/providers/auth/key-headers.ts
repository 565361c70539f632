import type { KeyHeader } from '../provider-row.ts'

/** The headers in which a key goes, by what the provider's row says. */
export function keyHeaders(scheme: KeyHeader, key: string): readonly (readonly [name: string, value: string])[] {
  switch (scheme) {
    case 'bearer':
      return [['authorization', `Bearer ${key}`]]
    case 'both-keys':
      return [
        ['api-key', key],
        ['x-api-key', key],
      ]
    case 'none':
      return []
    default:
      return [[scheme, key]]
  }
}
