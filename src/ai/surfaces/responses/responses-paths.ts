import type { Route } from '../../../core/index.ts'
import type { SurfaceHooks, SurfacePath } from '../../compile.ts'
import { createErrorRendering } from '../../conversation/errors.ts'
import { chatCodeName } from '../../dialects/code-names.ts'
import { ClaimedUsage } from '../../operations/forward/claimed-usage.ts'
import { tellRouting } from '../../routing/routing-headers.ts'
import { type ConversationRow, loadSurface } from '../conversations.ts'
import { loadedGate } from '../loaded-gate.ts'
import type { ResponsesHooks, ResponsesHooksOptions } from './responses-hooks.ts'

/** `/v1/responses` with answers that are kept, here or by their upstream, and the paths by which clients ask for them again. */
export function responsesPaths(
  row: ConversationRow,
  { hooks, ...options }: ResponsesHooksOptions & { readonly hooks: SurfaceHooks },
): SurfacePath[] {
  const usage = new ClaimedUsage(options.claims, options.document)
  let loaded: ResponsesHooks | null = null
  let loading: Promise<ResponsesHooks> | null = null
  const begin = async (): Promise<ResponsesHooks> => {
    try {
      const { createResponsesHooks } = await import('./responses-hooks.ts')
      loaded = await createResponsesHooks(await loadSurface(row), options, usage)
      return loaded
    } finally {
      loading = null
    }
  }
  // One of them for all paths: what one path expects, another one's end forgets.
  const load = async (): Promise<ResponsesHooks> => {
    if (loaded !== null) return loaded
    loading ??= begin()
    return await loading
  }
  const rendering = { codeName: chatCodeName, ...createErrorRendering(row.dialect) }
  const governed = hooks.conversation(row.scope)
  const bodyLimit = options.document.limits.body
  const settle = [...(governed.settle ?? []), ({ id }: { readonly id: string }) => loaded?.forget(id)]
  const inspect = loadedGate(async () => (await load()).create)
  const create: Route = { name: row.name, ...governed, ...rendering, bodyLimit, inspect, settle }
  const settleStored = [...(governed.settle ?? []), usage.settled]
  const gated = (name: Exclude<keyof ResponsesHooks, 'forget'>): Route => {
    const gate = loadedGate(async () => (await load())[name])
    return { name: `${row.name}.${name}`, ...governed, ...rendering, bodyLimit, inspect: gate }
  }
  const stored = (name: 'get' | 'delete' | 'cancel'): Route => {
    return { ...gated(name), bodyLimit: -1, settle: settleStored }
  }
  const conversations = { ...gated('conversations'), name: 'conversations' }
  const under = `${row.path}/`
  return [
    { method: 'POST', path: row.path, route: create },
    { method: 'POST', path: `${under}input_tokens`, route: gated('count') },
    { method: 'POST', path: `${under}compact`, route: { ...gated('compact'), editAnswer: tellRouting } },
    { method: 'GET', path: under, route: stored('get') },
    { method: 'DELETE', path: under, route: stored('delete') },
    { method: 'POST', path: under, route: stored('cancel') },
    { method: 'POST', path: CONVERSATIONS, route: conversations },
    { method: 'GET', path: `${CONVERSATIONS}/`, route: conversations },
    { method: 'POST', path: `${CONVERSATIONS}/`, route: conversations },
    { method: 'DELETE', path: `${CONVERSATIONS}/`, route: conversations },
  ]
}

const CONVERSATIONS = '/v1/conversations'
