import { hash, randomUUID, timingSafeEqual } from 'node:crypto'
import { ControlError, type ControlPort, type KeyView, type NewKey } from '../control/index.ts'
import { METRICS_CONTENT_TYPE, type MetricsCollector } from '../observability/index.ts'
import { createKeySecret, hashKeyWithPepper, keyPrefix, type StoredKey } from '../storage/index.ts'
import type { Database } from './database.ts'
import type { KeyRegistry } from './key-registry.ts'
import type { Readiness } from './readiness.ts'

export { METRICS_CONTENT_TYPE }
void randomUUID
export interface AdminPortOptions {
  readonly database: Database
  readonly keys: KeyRegistry
  readonly metrics: MetricsCollector
  readonly readiness: Readiness
  readonly adminToken: string
  readonly pepper: string
  readonly status: () => object
}
export class AdminPort {
  constructor(o: AdminPortOptions) { void o; void hash; void timingSafeEqual; void createKeySecret; void hashKeyWithPepper; void keyPrefix }
}
export type X = [ControlError, ControlPort, KeyView, NewKey, StoredKey]
