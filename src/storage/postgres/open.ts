import { StorageError } from '../errors.ts'
import { keyOfRow } from '../sqlite/key-table.ts'
import { levelOfRow } from '../sqlite/stored-levels.ts'
import type { LedgerStore, SharedStore } from '../store.ts'
import type { LedgerWriterOptions } from '../writer-calls.ts'
import { PostgresConnection, PostgresError } from './connection.ts'
import type { ConnectionUse, Notice } from './connection-messages.ts'
import { readShares } from './counter-shares.ts'
import { PostgresDatabase } from './database.ts'
import { instanceName } from './instance-name.ts'
import { Instances } from './instances.ts'
import { PostgresLedgerTables } from './ledger-tables.ts'
import { migrate, refuseNewer } from './migrations.ts'
import { Partitions } from './partitions.ts'
import { PostgresRetention } from './retention.ts'
import { checkSecrets } from './secrets.ts'
import { type PostgresTarget, parsePostgresUrl, placeOf } from './url.ts'

/** Channel on which the database tells that keys have changed, see the schema. */
const KEYS_CHANNEL = 'ferro_keys'
export const WRITER: ConnectionUse = {
  readOnly: false,
  statementMs: 20_000,
  lockMs: 10_000,
  listen: [],
  instance: null,
}
const READER: ConnectionUse = { ...WRITER, readOnly: true, statementMs: 300_000 }
/** Whoever starts while another one migrates waits for it. */
const MIGRATION_MS = 600_000

/** SQLSTATEs whose cause is the server's present state, with what to do. */
const ADVICE: Readonly<Record<string, string>> = {
  '28P01': 'See that the user and the password of storage.url are right.',
  '28000': 'See that the server lets this user in from here (pg_hba.conf), and with or without TLS as sslmode says.',
  '3D000': 'Create it (CREATE DATABASE), or name another in storage.url.',
  '42501': 'Give the user of storage.url the right to create tables in it, or make it the owner of the database.',
  '53300': 'The server has no connection left: raise max_connections, or run fewer instances. Each takes up to three.',
}
const NO_ADVICE = 'See that the server runs and can be reached from here, and that storage.url names it.'

/** Opens the database for one of its writers: checks that it can be used, creates and migrates it. */
export function openPostgresStore(options: LedgerWriterOptions): LedgerStore {
  const { dataDir, databaseUrl, onKeysChanged } = options
  const target = parsePostgresUrl(databaseUrl ?? '')
  const onNotice = ({ channel }: Notice): void => {
    if (channel === KEYS_CHANNEL) onKeysChanged?.()
  }
  const instance = instanceName(dataDir)
  const use = { ...WRITER, listen: onKeysChanged === undefined ? [] : [KEYS_CHANNEL], instance }
  const connection = new PostgresConnection(target, use, onNotice)
  const database = new PostgresDatabase(connection)
  prepare({ connection, database, target }, dataDir)
  const partitions = new Partitions(database)
  const instances = new Instances(database, instance)
  const retention = new PostgresRetention(database, partitions, instances)
  const tables = new PostgresLedgerTables(database, partitions, {
    written: () => instances.beat(retention.sinceMs),
    undone: () => instances.repeat(),
  })
  return { database, tables, retention, shared: sharedStore(database, instances) }
}

/** Opens the database for queries only. */
export function openPostgresReader(databaseUrl: string): PostgresDatabase {
  const target = parsePostgresUrl(databaseUrl)
  const database = new PostgresDatabase(new PostgresConnection(target, READER))
  reach(database, target)
  try {
    refuseNewer(database, placeOf(target))
    return database
  } catch (error) {
    database.close()
    throw error
  }
}

interface Opening {
  readonly connection: PostgresConnection
  readonly database: PostgresDatabase
  readonly target: PostgresTarget
}

function prepare({ connection, database, target }: Opening, dataDir: string): void {
  reach(database, target)
  try {
    connection.patiently(MIGRATION_MS, () => migrate(database, placeOf(target)))
    checkSecrets(database, dataDir, process.env)
  } catch (error) {
    database.close()
    throw unusable(target, error)
  }
}

function reach(database: PostgresDatabase, target: PostgresTarget): void {
  try {
    database.exec('SELECT 1')
  } catch (error) {
    database.close()
    throw unusable(target, error)
  }
}

/** What a person can do about a database that cannot be used. The password is in no message. */
function unusable(target: PostgresTarget, error: unknown): unknown {
  if (!(error instanceof PostgresError)) return error
  const advice = (error.sqlState === null ? undefined : ADVICE[error.sqlState]) ?? NO_ADVICE
  const what = `${placeOf(target)} (user ${target.user}) cannot be used: ${error.message}`
  return new StorageError('unusable_database', `${what}. ${advice}`, { cause: error })
}

function sharedStore(database: PostgresDatabase, instances: Instances): SharedStore {
  const changed = database.prepare('SELECT * FROM keys WHERE version > ? ORDER BY version')
  const levels = database.prepare('SELECT * FROM levels WHERE version > ? ORDER BY version')
  return {
    instance: instances.own,
    isAlive: (instance, sinceMs) => instances.isAlive(instance, sinceMs),
    instances: () => instances.alive(),
    keysSince: (version) => {
      const rows = changed.all(version)
      return { version: Number(rows.at(-1)?.['version'] ?? version), keys: rows.map(keyOfRow) }
    },
    levelsSince: (version) => {
      const rows = levels.all(version)
      return { version: Number(rows.at(-1)?.['version'] ?? version), levels: rows.map(levelOfRow) }
    },
    shares: (counters) => readShares(database, instances.own, counters),
    leave: (isEmpty) => {
      if (isEmpty) instances.leave()
    },
  }
}
