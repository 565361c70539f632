import type { Command } from 'commander'

/** A command, described without being loaded. */
export interface CommandRow {
  readonly name: string
  /** The line in `ferro --help`. */
  readonly summary: string
  readonly load: () => Promise<Command>
}

/** Written out: to show this list loads nothing. */
const LEVEL_KINDS = ['organization', 'team', 'project', 'user'] as const

/** Every command. Each lives in a file of its own, which is loaded when it is called. */
export const COMMANDS: readonly CommandRow[] = [
  { name: 'run', summary: 'start the gateway', load: async () => (await import('./run-command.ts')).runCommand() },
  {
    name: 'validate',
    summary: 'check a configuration file; starts nothing',
    load: async () => (await import('./validate.ts')).validateCommand(),
  },
  {
    name: 'keys',
    summary: 'create, list, change, rotate and revoke virtual keys',
    load: async () => (await import('./keys.ts')).keysCommand(),
  },
  ...LEVEL_KINDS.map(
    (kind): CommandRow => ({
      name: `${kind}s`,
      summary: `create, list, change and delete ${kind}s`,
      load: async () => (await import('./levels-command.ts')).levelsCommand(kind),
    }),
  ),
  {
    name: 'route',
    summary: 'see where requests go',
    load: async () => (await import('./route.ts')).routeCommand(),
  },
  {
    name: 'policy',
    summary: 'see what policies say to a request',
    load: async () => (await import('./policy.ts')).policyCommand(),
  },
  {
    name: 'usage',
    summary: 'see what was used, by key, model, provider and more',
    load: async () => (await import('./usage.ts')).usageCommand(),
  },
  {
    name: 'audit',
    summary: 'see who changed keys and levels',
    load: async () => (await import('./audit.ts')).auditCommand(),
  },
  {
    name: 'ledger',
    summary: 'prove and adjust the books, compare them with bills',
    load: async () => (await import('./ledger.ts')).ledgerCommand(),
  },
  {
    name: 'auth',
    summary: 'tell gateways who may do what',
    load: async () => (await import('./auth.ts')).authCommand(),
  },
  {
    name: 'hash-key',
    summary: 'print the hash of a key for a configuration file',
    load: async () => (await import('./hash-key.ts')).hashKeyCommand(),
  },
]
