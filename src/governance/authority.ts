import type { GatewayError } from '../core/index.ts'

/** Somebody outside who decides what a principal may do. */
export interface Authority {
  /** Why it may not; null: it may. At once where that is known. */
  authorize(action: string, resource: string): GatewayError | null | Promise<GatewayError | null>
}
