import { globSync, readFileSync, statSync } from 'node:fs'
import path from 'node:path'

/** A real server, or a browser, that tests run against where it is installed. */
export type ServerKind = 'redis' | 'postgres' | 'nginx' | 'haproxy' | 'chromium'

/** The program that must be there, and what to install when it is not. */
const SERVERS: Readonly<Record<ServerKind, { program: string; debianPackage: string }>> = {
  redis: { program: 'redis-server', debianPackage: 'redis-server' },
  // Debian keeps a version's programs out of the path.
  postgres: { program: 'initdb', debianPackage: 'postgresql' },
  nginx: { program: 'nginx', debianPackage: 'nginx-light' },
  haproxy: { program: 'haproxy', debianPackage: 'haproxy' },
  chromium: { program: 'chromium', debianPackage: 'chromium' },
}

/** The path of a server's program (for PostgreSQL: of `initdb`), or null when it is not installed. */
export function findServer(kind: ServerKind): string | null {
  const { program } = SERVERS[kind]
  const folders = [
    ...(process.env.PATH ?? '').split(path.delimiter),
    '/usr/sbin',
    '/usr/local/bin',
    '/usr/local/sbin',
    ...(kind === 'postgres' ? newestFirst(globSync('/usr/lib/postgresql/*/bin')) : []),
  ]
  return folders.map((folder) => path.join(folder, program)).find(isProgram) ?? null
}

/** Says in one line what to install so that a server is found. */
export function howToInstall(kind: ServerKind): string {
  const { program, debianPackage } = SERVERS[kind]
  return `${program} is not installed (Debian: apt-get install ${debianPackage})`
}

/** An account without privileges, for a server that refuses to run as root; null when we are not root. */
export function unprivilegedAccount(): { uid: number; gid: number } | null {
  if (process.getuid?.() !== 0) return null
  for (const name of ['postgres', 'nobody']) {
    const entry = new RegExp(`^${name}:[^:]*:(\\d+):(\\d+):`, 'm').exec(readFileSync('/etc/passwd', 'utf8'))
    if (entry !== null) return { uid: Number(entry[1]), gid: Number(entry[2]) }
  }
  throw new Error('running as root, and /etc/passwd has neither postgres nor nobody to run a server as')
}

function newestFirst(folders: readonly string[]): readonly string[] {
  return folders.toSorted((a, b) => b.localeCompare(a, 'en', { numeric: true }))
}

function isProgram(file: string): boolean {
  const found = statSync(file, { throwIfNoEntry: false })
  return found?.isFile() === true && (found.mode & 0o111) !== 0
}
