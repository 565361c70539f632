import { ControlError } from './errors.ts'

const KEY_ID = /^[a-z0-9][a-z0-9._-]{0,63}$/
/** Who came with a token or with a key of a service is in records as well. */
const OTHER_PRINCIPAL = /^(?:jwt|service|basic|certificate):[^\p{Cc}]{1,1000}$/u

/** The parameters of a query string. Throws ControlError for one that is not in `known`, or that is given twice. */
export function parseQuery(text: string, known: readonly string[]): ReadonlyMap<string, string> {
  const parameters = new Map<string, string>()
  for (const [name, value] of new URLSearchParams(text)) {
    if (!known.includes(name)) {
      const possible = known.length === 0 ? 'none is taken here' : `possible here: ${known.join(', ')}`
      throw new ControlError('invalid_request', `Unknown query parameter; ${possible}.`, { param: name.slice(0, 64) })
    }
    if (parameters.has(name)) throw new ControlError('invalid_request', `${name}: given twice.`, { param: name })
    parameters.set(name, value)
  }
  return parameters
}

/** The parameter `key_id`, or null when it is not given. */
export function keyIdOf(query: ReadonlyMap<string, string>): string | null {
  const id = query.get('key_id')
  if (id === undefined) return null
  if (KEY_ID.test(id) || OTHER_PRINCIPAL.test(id)) return id
  const message = 'key_id: not the id of a key, nor of another principal (jwt:…, service:…, basic:…, certificate:…).'
  throw new ControlError('invalid_request', message, { param: 'key_id' })
}
