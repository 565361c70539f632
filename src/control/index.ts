/**
 * The control listener: health, metrics, and the admin API for keys, request logs and usage. It is no part of the data
 * path and holds no state of its own: what it shows and changes is behind `ControlPort`, which the composition root
 * implements. Start reading at `port.ts`, then `resources.ts` (the table of what can be asked) and `server.ts`.
 */
export { type AdjustmentAnswer, encodeAdjustment, parseAdjustment } from './adjustments.ts'
export { type Admin, type AdminRight, adminOf, OWNER } from './admins.ts'
export {
  type Actor,
  type AuditedChange,
  auditEntry,
  COMMAND_LINE,
  GATEWAY_ITSELF,
  refusedEntry,
} from './audit-entry.ts'
export { type AuthService, type AuthServiceOptions, startAuthService } from './auth-service.ts'
export { CONTROL_CODES, type ControlCode, ControlError } from './errors.ts'
export { keyAfter } from './key-after.ts'
export { type BudgetAnswer, encodeKey, type KeyAnswer, viewKey } from './key-view.ts'
export { encodeLevel, type LevelAnswer, type LevelView, viewLevel } from './level-view.ts'
export { changeLevel, createLevel, LEVEL_PATHS, listLevels, removeLevel, showLevel } from './levels.ts'
export { mergePatch } from './merge-patch.ts'
export { keyOfFile, makeKey, makeSecret, type NewKeyOptions } from './new-key.ts'
export { storedLevelOf } from './new-level.ts'
export type {
  AdjustmentRequest,
  BudgetUse,
  BudgetView,
  ControlPort,
  CounterCheck,
  CreatedKey,
  EnteredAdjustment,
  KeyFields,
  KeyOwner,
  KeyView,
  LevelPort,
  Membership,
  NewKey,
  PolicyRequest,
  RevokedKey,
  RouteRequest,
  SharedAccount,
  UsageQuery,
} from './port.ts'
export type { ControlRequest, Resource } from './resource.ts'
export { RESOURCES } from './resources.ts'
export { parseNewKey, parseRotation } from './schema.ts'
export { type ControlServer, type ControlServerOptions, createControlServer } from './server.ts'
