import type { ApiRow, Condition, ProviderRow } from './provider-row.ts'
import { fill, type Settings } from './settings.ts'

/** Path and query on a provider's host of what stands at `suffix` in OpenAI's API; the suffix may bring a query of its own. */
export type ApiPath = (suffix: string, model: string | null) => string

const CHAT_PATH = '/chat/completions'

/** Whether what holds only under a condition holds with these settings. */
export function holds(condition: Condition | undefined, settings: Settings): boolean {
  if (condition === undefined) return true
  const value = settings[condition.setting]
  return condition.is === undefined ? value !== condition.isNot : value === condition.is
}

/**
 * Where the rest of an API in the common dialect is expected: beside its conversations. The row decides and not the dialects
 * that the configuration chose: these are about conversations alone.
 */
export function apiRootOf({ endpoints }: ProviderRow, root: string, settings: Settings): string {
  const chat = endpoints.find(
    ({ dialect, path, when }) => dialect === 'openai-chat' && path.endsWith(CHAT_PATH) && holds(when, settings),
  )
  return chat === undefined ? root : fill(`${root}${chat.path.slice(0, -CHAT_PATH.length)}`, settings)
}

/** How a provider is asked for what is no conversation. */
export function apiPathOf(row: ProviderRow, root: string, settings: Settings): ApiPath {
  const rows = row.api.filter(({ when }) => holds(when, settings))
  const rest: ApiRow = { root: apiRootOf(row, '', settings) }
  return (suffix, model) => {
    const found = rows.find(({ paths }) => paths === undefined || paths.test(suffix)) ?? rest
    const { root: ofAll, modelRoot = ofAll, query } = found
    const start = model === null ? ofAll : modelRoot.replace('{model}', () => encodeURIComponent(model))
    return withQuery(`${root}${fill(start, settings)}${suffix}`, query === undefined ? '' : fill(query, settings))
  }
}

/** What the client says of the same parameter counts. */
function withQuery(path: string, query: string): string {
  const at = path.indexOf('?')
  if (query === '') return path
  if (at < 0) return `${path}?${query}`
  const [name = ''] = query.split('=')
  return new URLSearchParams(path.slice(at + 1)).has(name) ? path : `${path}&${query}`
}
