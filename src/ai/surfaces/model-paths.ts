import type { Route } from '../../core/index.ts'
import type { SurfacePath } from '../compile.ts'
import { renderForCaller } from '../conversation/caller-dialect.ts'
import { createErrorRendering } from '../conversation/errors.ts'
import { COMMON_DIALECT, clientDialect } from '../dialects/tables.ts'
import type { ModelRegistry } from '../models/registry.ts'
import { createCapabilities } from './capabilities-route.ts'
import { createModelLists } from './model-lists.ts'

/** The paths that list models; `shared` is what their routes have in common. */
export function modelPaths(registry: ModelRegistry, created: number, shared: Omit<Route, 'inspect'>): SurfacePath[] {
  const lists = createModelLists(registry, created)
  const { renderError } = createErrorRendering('gemini')
  const gemini = { ...shared, renderError }
  const caller = { ...shared, renderError: renderForCaller }
  const detail = { name: 'models.get' }
  const capabilities = { name: 'capabilities' }
  return [
    { method: 'GET', path: '/v1/models', route: { ...caller, inspect: lists.list } },
    { method: 'GET', path: '/v1/models/', route: { ...caller, ...detail, inspect: lists.detail } },
    {
      method: 'GET',
      path: '/v1/capabilities',
      route: { ...shared, ...capabilities, inspect: createCapabilities(registry, clientDialect(COMMON_DIALECT)) },
    },
    { method: 'GET', path: '/v1beta/models', route: { ...gemini, inspect: lists.geminiList } },
    { method: 'GET', path: '/v1beta/models/', route: { ...gemini, ...detail, inspect: lists.geminiDetail } },
  ]
}
