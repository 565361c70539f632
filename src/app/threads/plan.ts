import type { SurfaceHooks } from '../../ai/index.ts'
import { compileSurfaces, type TransportSource } from '../../ai/index.ts'
import type { ConfigDocument } from '../../config/index.ts'
import { answer, type Exchange, type Hook, type MethodTable, type Plan, type Route } from '../../core/index.ts'
import type { GatewayMetrics } from '../../observability/index.ts'
import { PROCESS_CELL, reasonsOf } from '../memory.ts'

export interface PlanOptions {
  readonly version: number
  readonly document: ConfigDocument
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly metrics: GatewayMetrics
  readonly transports: TransportSource
  readonly hooks: SurfaceHooks
  /** `SharedMemory.process`. */
  readonly process: Int32Array
}

/** Compiles a document into the plan that requests are served by. Throws when it cannot: a missing reference. */
export function compilePlan(options: PlanOptions): Plan {
  const surfaces = compileSurfaces(options)
  const health = (name: string, inspect: Hook): MethodTable => {
    const route: Route = { ...surfaces.fallback, name, inspect, settle: null }
    return { GET: route, HEAD: route }
  }
  const paths = new Map<string, MethodTable>([
    ['/v1/chat/completions', { POST: surfaces.chat }],
    ['/v1/models', { GET: surfaces.modelList }],
    ['/healthz', health('healthz', alive)],
    ['/livez', health('livez', alive)],
    ['/readyz', health('readyz', createReady(options.process))],
  ])
  return {
    version: options.version,
    paths,
    prefixes: [['/v1/models/', { GET: surfaces.modelDetail }]],
    fallback: surfaces.fallback,
  }
}

function alive(x: Exchange): null {
  answer(x, 200, 'application/json', '{"status":"ok"}')
  return null
}

function createReady(process: Int32Array): Hook {
  return (x) => {
    const bits = Atomics.load(process, PROCESS_CELL.notReady)
    if (bits === 0) answer(x, 200, 'application/json', '{"status":"ready"}')
    else answer(x, 503, 'application/json', JSON.stringify({ status: 'not_ready', reasons: reasonsOf(bits) }))
    return null
  }
}
