/*
 * Real servers for tests: found where they are installed, started in a temporary folder on a free port, stopped by the
 * test. `serverSuite` is the way in: without its server a suite is skipped by name, and with CI=true that is a failure.
 */
import { execFile } from 'node:child_process'
import { existsSync, realpathSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { suite, test } from 'node:test'
import { promisify } from 'node:util'
import { findServer, howToInstall, type ServerKind, unprivilegedAccount } from './find-server.ts'
import { type RunningServer, startServer } from './server-process.ts'

export { findServer, type ServerKind } from './find-server.ts'
export { freePort, type RunningServer } from './server-process.ts'

/** A PostgreSQL server; its superuser is `postgres`, without a password, over TCP and over the socket in `dir`. */
export interface RunningPostgres extends RunningServer {
  readonly url: string
  /** Runs statements with psql and resolves to the rows, fields separated by `|`. */
  psql(statements: string): Promise<string>
}

/** Starts Redis without persistence. */
export function startRedis(): Promise<RunningServer> {
  const command = need('redis')
  return startServer({
    name: 'redis',
    account: null,
    stopSignal: 'SIGKILL',
    prepare: ({ dir, port }) => ({
      command,
      args: ['--port', `${port}`, '--bind', '127.0.0.1', '--dir', dir, '--save', '', '--appendonly', 'no'],
    }),
  })
}

/** Makes a PostgreSQL cluster and starts it, as an account without privileges when we are root; nothing is synced. */
export async function startPostgres(): Promise<RunningPostgres> {
  // Through a link, to the folder that holds the rest of the programs.
  const initdb = realpathSync(need('postgres'))
  const folder = path.dirname(initdb)
  const beside = path.join(folder, 'psql')
  const client = existsSync(beside) ? beside : 'psql'
  const account = unprivilegedAccount()
  const run = promisify(execFile)
  const server = await startServer({
    name: 'postgres',
    account,
    stopSignal: 'SIGINT',
    prepare: async ({ dir, port }) => {
      const data = path.join(dir, 'data')
      const options = ['--auth=trust', '--username=postgres', '--encoding=UTF8', '--locale=C', '--no-sync']
      await run(initdb, ['-D', data, ...options], { cwd: dir, ...account })
      const settings = [
        'listen_addresses=127.0.0.1',
        'fsync=off',
        'full_page_writes=off',
        `unix_socket_directories=${dir}`,
      ]
      const args = ['-D', data, '-p', `${port}`, ...settings.flatMap((setting) => ['-c', setting])]
      return { command: path.join(folder, 'postgres'), args }
    },
  })
  const psql = async (statements: string) => {
    const connection = ['-h', '127.0.0.1', '-p', `${server.port}`, '-U', 'postgres', '-d', 'postgres']
    const { stdout } = await run(client, ['-X', '-A', '-t', '-q', ...connection, '-c', statements])
    return stdout.trim()
  }
  const url = `postgres://postgres@127.0.0.1:${server.port}/postgres`
  // The port is open a moment before the server has finished its recovery.
  for (const endMs = performance.now() + 10_000; ; ) {
    try {
      await psql('select 1')
      return { ...server, url, psql }
    } catch (error) {
      if (performance.now() < endMs) continue
      await server.stop()
      throw error
    }
  }
}

/**
 * Starts nginx with one worker. `http` makes the inside of the `http` block for the port to listen on; its paths may be
 * relative to `dir`.
 */
export function startNginx(http: (place: { port: number; dir: string }) => string): Promise<RunningServer> {
  const command = need('nginx')
  return startServer({
    name: 'nginx',
    account: null,
    stopSignal: 'SIGTERM',
    prepare: (place) => {
      const file = path.join(place.dir, 'nginx.conf')
      const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${name};`)
      writeFileSync(
        file,
        [
          // As root its worker would become an account that cannot enter the folder.
          process.getuid?.() === 0 ? 'user root;' : '',
          'daemon off; worker_processes 1; pid nginx.pid; error_log stderr warn;',
          'events { worker_connections 4096; }',
          `http { access_log off; ${temporary.join(' ')}`,
          http(place),
          '}',
        ].join('\n'),
      )
      return { command, args: ['-p', place.dir, '-c', file, '-e', 'stderr'] }
    },
  })
}

/** Starts HAProxy; `sections` makes what follows its global section for the port to listen on. */
export function startHaproxy(sections: (place: { port: number; dir: string }) => string): Promise<RunningServer> {
  const command = need('haproxy')
  return startServer({
    name: 'haproxy',
    account: null,
    stopSignal: 'SIGTERM',
    prepare: (place) => {
      const file = path.join(place.dir, 'haproxy.cfg')
      writeFileSync(file, `global\n  nbthread 1\n${sections(place)}\n`)
      return { command, args: ['-db', '-q', '-f', file] }
    },
  })
}

/** A suite that needs a real server: skipped by name where it is absent, and failed there when `CI` is `true`. */
export function serverSuite(kind: ServerKind, title: string, body: () => void): void {
  const name = `${title} (${kind})`
  if (findServer(kind) !== null) {
    suite(name, body)
  } else if (process.env.CI === 'true') {
    test(name, () => {
      throw new Error(howToInstall(kind))
    })
  } else {
    suite(name, { skip: howToInstall(kind) }, body)
  }
}

function need(kind: ServerKind): string {
  const found = findServer(kind)
  if (found === null) throw new Error(howToInstall(kind))
  return found
}
