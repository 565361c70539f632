import type { Route } from '../../../core/index.ts'
import type { SurfaceHooks, SurfacePath } from '../../compile.ts'
import { createErrorRendering } from '../../conversation/errors.ts'
import { chatCodeName } from '../../dialects/code-names.ts'
import { type ConversationRow, loadSurface } from '../conversations.ts'
import { loadedGate } from '../loaded-gate.ts'
import type { ResponsesHooks, ResponsesHooksOptions } from './responses-hooks.ts'

/** `/v1/responses` with answers that are kept, and the paths by which clients ask for them again. */
export function responsesPaths(
  row: ConversationRow,
  { hooks, ...options }: ResponsesHooksOptions & { readonly hooks: SurfaceHooks },
): SurfacePath[] {
  let loaded: ResponsesHooks | null = null
  const load = async (): Promise<ResponsesHooks> => {
    const { createResponsesHooks } = await import('./responses-hooks.ts')
    const surface = await loadSurface(row)
    // One of them for all paths: what one path expects, another one's end forgets.
    loaded ??= createResponsesHooks(surface, options)
    return loaded
  }
  const rendering = { codeName: chatCodeName, ...createErrorRendering(row.dialect) }
  const governed = hooks.conversation(row.scope)
  const bodyLimit = options.document.limits.body
  const settle = [...(governed.settle ?? []), ({ id }: { readonly id: string }) => loaded?.forget(id)]
  const inspect = loadedGate(async () => (await load()).create)
  const create: Route = { name: row.name, ...governed, ...rendering, bodyLimit, inspect, settle }
  const stored = (name: 'get' | 'delete' | 'cancel'): Route => {
    const gate = loadedGate(async () => (await load())[name])
    return { name: `${row.name}.${name}`, ...governed, ...rendering, reserve: null, bodyLimit: -1, inspect: gate }
  }
  const under = `${row.path}/`
  return [
    { method: 'POST', path: row.path, route: create },
    { method: 'GET', path: under, route: stored('get') },
    { method: 'DELETE', path: under, route: stored('delete') },
    { method: 'POST', path: under, route: stored('cancel') },
  ]
}
