/** What a resource of the control listener asks for. */
export const ADMIN_RIGHTS = [
  'keys.read',
  'keys.write',
  'levels.read',
  'levels.write',
  'audit.read',
  'logs.read',
  'usage.read',
  'ledger.write',
  'routing.read',
  'status.read',
  'metrics.read',
] as const

/** What an admin may hold: a right, or a word for several. `read_only` and `admin` are other names of `admin.read` and of everything. */
export const ADMIN_SCOPES = ['admin', 'read_only', 'admin.read', 'admin.write', ...ADMIN_RIGHTS] as const
