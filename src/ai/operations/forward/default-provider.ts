import type { CallerDialect } from '../../conversation/caller-dialect.ts'
import type { ModelRegistry } from '../../models/registry.ts'
import { DEMO_PROVIDER } from '../../providers/table.ts'
import type { ProviderUpstream } from '../../providers/upstreams.ts'
import { onlyOf } from './choose-provider.ts'

/** The vendors whose dialects callers speak: what is asked of nobody is meant for them first. */
const VENDORS: Readonly<Record<CallerDialect, string>> = {
  'openai-chat': 'openai',
  'anthropic-messages': 'anthropic',
  gemini: 'gemini',
}
/** How the paths of conversations end below the root of these APIs. */
const ENDS = { 'anthropic-messages': '/messages', gemini: '/models/m:generateContent' } as const

/**
 * Where a request goes that names no provider: the first of `preferred` that speaks the caller's dialect, else the only
 * one of the dialect's vendor, else the only one that speaks it at all; null when there is none, or there are several.
 */
export function defaultProvider(
  registry: ModelRegistry,
  dialect: CallerDialect,
  preferred: readonly string[],
): string | null {
  const speaking = registry.providerNames.filter((name) => {
    const provider = registry.provider(name)
    return provider !== null && provider.kind !== DEMO_PROVIDER && speaks(provider, dialect)
  })
  const chosen = preferred.find((name) => speaking.includes(name))
  if (chosen !== undefined) return chosen
  const own = speaking.filter((name) => registry.provider(name)?.kind === VENDORS[dialect])
  return onlyOf(own.length > 0 ? own : speaking)
}

/** Where the API of a dialect starts on a provider's host; null where its rest is not there, e.g. with a cloud. */
export function rootIn(provider: ProviderUpstream, dialect: keyof typeof ENDS): string | null {
  const end = ENDS[dialect]
  for (const { endpoint } of provider.endpoints) {
    const path = endpoint.dialect === dialect ? endpoint.path('m', false) : ''
    // A publisher's models stand apart from what else a cloud has.
    if (path.endsWith(end) && !path.includes('/publishers/')) return path.slice(0, -end.length)
  }
  return null
}

function speaks(provider: ProviderUpstream, dialect: CallerDialect): boolean {
  if (dialect !== 'openai-chat') return rootIn(provider, dialect) !== null
  return provider.endpoints.some(({ endpoint }) => endpoint.dialect.startsWith('openai-'))
}
