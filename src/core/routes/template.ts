import type { Exchange } from '../exchange.ts'

/** A text with placeholders, compiled. */
export type Template = (x: Exchange) => string

type Part = string | Template

/** What placeholders stand for; those with a dot at the end take a name behind it. */
const SOURCES: Readonly<Record<string, Template>> = {
  host: (x) => x.origin?.host ?? x.head.host ?? '',
  method: (x) => x.method,
  path: (x) => x.path,
  query: (x) => x.query,
  uri: (x) => (x.query === '' ? x.path : `${x.path}?${x.query}`),
  scheme: (x) => x.origin?.scheme ?? x.client.scheme,
  'client.address': (x) => x.origin?.address ?? x.client.address ?? '',
  'client.certificate.subject': (x) => x.client.certificate?.subject ?? '',
  'client.certificate.names': (x) => namesOf(x),
  'client.certificate.fingerprint': (x) => x.client.certificate?.fingerprint ?? '',
  'request.id': (x) => x.id,
  'trace.id': (x) => x.traceId,
  'key.id': (x) => x.principal?.id ?? '',
  route: (x) => x.route?.name ?? '',
  'path.rest': (x) => x.found?.captures(x.path).rest ?? '',
}

/** In one line: a comma within a name would look like two of them. */
function namesOf({ client }: Exchange): string {
  return (client.certificate?.names ?? []).map((name) => name.replaceAll(',', '%2C')).join(',')
}

const PLACEHOLDER = /\{([a-z][a-zA-Z0-9._-]*)\}/g

/** Names of all placeholders, for messages. */
export const PLACEHOLDERS: readonly string[] = [...Object.keys(SOURCES), 'header.<name>', 'path.<number or name>']

/**
 * Compiles a text; throws a RangeError for a placeholder that there is none of. `safe` is applied to what each of them
 * stands for.
 */
export function compileTemplate(text: string, safe: ((value: string, name: string) => string) | null = null): Template {
  const parts: Part[] = []
  let at = 0
  for (const match of text.matchAll(PLACEHOLDER)) {
    if (match.index > at) parts.push(text.slice(at, match.index))
    const [, name = ''] = match
    const source = sourceOf(name)
    parts.push(safe === null ? source : (x) => safe(source(x), name))
    at = match.index + match[0].length
  }
  if (at < text.length) parts.push(text.slice(at))
  const [only] = parts
  if (parts.length === 0) return () => ''
  if (parts.length === 1 && only !== undefined) return typeof only === 'string' ? () => only : only
  return (x) => {
    let out = ''
    for (const part of parts) out += typeof part === 'string' ? part : part(x)
    return out
  }
}

/** The text with the same in the place of every placeholder. */
export function withPlaceholders(text: string, stand: string): string {
  return text.replaceAll(PLACEHOLDER, stand)
}

function sourceOf(name: string): Template {
  if (Object.hasOwn(SOURCES, name)) return SOURCES[name] as Template // just seen
  if (name.startsWith('header.')) {
    const header = name.slice('header.'.length).toLowerCase()
    return (x) => x.head.get(header) ?? ''
  }
  if (name.startsWith('path.')) {
    const capture = name.slice('path.'.length)
    const index = /^\d+$/.test(capture) ? Number(capture) : 0
    if (index > 0) return (x) => x.found?.captures(x.path).groups[index - 1] ?? ''
    return (x) => x.found?.captures(x.path).named.get(capture) ?? ''
  }
  throw new RangeError(`there is no placeholder {${name}}; there are ${PLACEHOLDERS.join(', ')}`)
}
