import { METRICS_CONTENT_TYPE } from '../observability/index.ts'
import { adjustLedger, listAdjustments } from './adjustments.ts'
import { changeKey, createKey, listKeys, revokeKey, rotateKey, showKey } from './api-keys.ts'
import { listAudit } from './audit.ts'
import { levelResources } from './levels.ts'
import { explainPolicy } from './policy.ts'
import { listRequests, showRequest } from './request-logs.ts'
import { ok, type Resource } from './resource.ts'
import { explainRoute, listTargets } from './targets.ts'
import { showUsage } from './usage.ts'

const open = { method: 'GET', access: 'open', right: null, body: 'none', query: null } as const
const read = { method: 'GET', access: 'admin', body: 'none' } as const

/** Everything that the control listener answers. */
export const RESOURCES: readonly Resource[] = [
  { ...open, path: '/healthz', handle: () => ok({ status: 'ok' }) },
  { ...open, path: '/livez', handle: () => ok({ status: 'ok' }) },
  {
    ...open,
    path: '/readyz',
    handle: (port) => {
      const reasons = port.notReady()
      return reasons.length === 0 ? ok({ status: 'ready' }) : { status: 503, body: { status: 'not_ready', reasons } }
    },
  },
  {
    ...open,
    path: '/metrics',
    access: 'metrics',
    right: 'metrics.read',
    handle: (port) => ({ status: 200, body: { text: port.metricsText(), contentType: METRICS_CONTENT_TYPE } }),
  },
  { ...read, right: 'keys.read', path: '/admin/v1/api-keys', query: ['limit', 'cursor', 'tag'], handle: listKeys },
  {
    ...read,
    right: 'keys.write',
    path: '/admin/v1/api-keys',
    method: 'POST',
    body: 'json',
    query: [],
    action: 'key.create',
    handle: createKey,
  },
  { ...read, right: 'keys.read', path: '/admin/v1/api-keys/{id}', query: [], handle: showKey },
  {
    ...read,
    right: 'keys.write',
    path: '/admin/v1/api-keys/{id}',
    method: 'PATCH',
    body: 'json',
    query: [],
    action: 'key.change',
    handle: changeKey,
  },
  {
    ...read,
    right: 'keys.write',
    path: '/admin/v1/api-keys/{id}',
    method: 'DELETE',
    query: [],
    action: 'key.revoke',
    handle: revokeKey,
  },
  {
    ...read,
    right: 'keys.write',
    path: '/admin/v1/api-keys/{id}/rotate',
    method: 'POST',
    body: 'json',
    query: [],
    action: 'key.rotate',
    handle: rotateKey,
  },
  ...levelResources(),
  {
    ...read,
    right: 'audit.read',
    path: '/admin/v1/audit',
    query: ['limit', 'cursor', 'actor', 'target', 'action'],
    handle: listAudit,
  },
  {
    ...read,
    right: 'logs.read',
    path: '/admin/v1/request-logs',
    query: ['limit', 'cursor', 'key_id'],
    handle: listRequests,
  },
  { ...read, right: 'logs.read', path: '/admin/v1/request-logs/{id}', query: [], handle: showRequest },
  { ...read, right: 'routing.read', path: '/admin/v1/targets', query: [], handle: listTargets },
  {
    ...read,
    right: 'routing.read',
    path: '/admin/v1/route/explain',
    method: 'POST',
    body: 'json',
    query: [],
    handle: explainRoute,
  },
  {
    ...read,
    right: 'routing.read',
    path: '/admin/v1/policy/explain',
    method: 'POST',
    body: 'json',
    query: [],
    handle: explainPolicy,
  },
  {
    ...read,
    right: 'usage.read',
    path: '/admin/v1/usage',
    query: ['from', 'to', 'key_id', 'by', 'per', 'limit', 'cursor'],
    handle: showUsage,
  },
  {
    ...read,
    right: 'usage.read',
    path: '/admin/v1/ledger/counters',
    query: [],
    handle: async (port) => ok({ data: await port.checkCounters() }),
  },
  {
    ...read,
    right: 'usage.read',
    path: '/admin/v1/ledger/adjustments',
    query: ['limit', 'cursor', 'request_id'],
    handle: listAdjustments,
  },
  {
    ...read,
    right: 'ledger.write',
    path: '/admin/v1/ledger/adjustments',
    method: 'POST',
    body: 'json',
    query: [],
    action: 'ledger.adjust',
    handle: adjustLedger,
  },
  { ...read, right: 'status.read', path: '/admin/v1/status', query: [], handle: (port) => ok(port.status()) },
]
