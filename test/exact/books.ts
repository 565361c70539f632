import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { COMPILE_CACHE } from '../harness/compile-cache.ts'
import type { Gateway } from '../harness/gateway.ts'
import { isObject, parseJson } from '../harness/json.ts'
import { readLedger } from '../harness/ledger-snapshot.ts'
import { PROGRAM } from '../harness/program.ts'
import { type Cell, isOfValue, levelName } from './cells.ts'
import type { Fleet } from './fleet.ts'

/** Shared memory, the sums of the database and the entries of the ledger must say the same of a cell's budget. */
export async function booksViolations(fleet: Fleet, cell: Cell): Promise<string[]> {
  const { kind, keys } = cell
  if (kind.type !== 'budget') return []
  const ids = new Set(keys.map(({ id }) => id))
  const entriesOf = ({ databasePath }: Gateway) =>
    readLedger(databasePath)
      .ledger.filter(({ keyId, phase }) => phase === 'settle' && ids.has(keyId ?? ''))
      .reduce((sum, row) => sum + row[kind.unit], 0)
  if (fleet.gateways.length > 1) {
    const all = fleet.gateways.reduce((sum, gateway) => sum + entriesOf(gateway), 0)
    return all <= kind.limit ? [] : [`the replicas settled ${all} in all, where ${kind.limit} may be`]
  }
  const counter = `${levelName(cell)}:${kind.unit}:${kind.per}`
  const each = fleet.gateways.map(async (gateway) => {
    const found = (await countersOf(gateway)).find((of) => of['counter'] === counter)
    if (found === undefined) return [`there is no counter ${counter}`]
    const entries = entriesOf(gateway)
    const { least, most, sum } = found
    // Entries do not name values: what they come to is known by their keys alone.
    const said = [least, most, sum, ...(isOfValue(cell) ? [] : [found['entries']])]
    return said.every((value) => value === entries)
      ? []
      : [`${counter}: the keys' entries are ${entries}, not ${said.map(String).join(', ')}`]
  })
  return (await Promise.all(each)).flat()
}

/** The counters of a gateway as it proves them: all that is in its journal is in its database then. */
export async function countersOf(gateway: Gateway): Promise<Record<string, unknown>[]> {
  const token = readFileSync(join(gateway.dataDir, 'admin-token'), 'utf8').trim()
  const headers = { authorization: `Bearer ${token}` }
  const answer = await fetch(`${gateway.controlUrl}/admin/v1/ledger/counters`, { headers })
  const json = parseJson(await answer.text())
  if (!isObject(json) || !Array.isArray(json['data'])) throw new Error(`the counters are ${JSON.stringify(json)}`)
  return json['data'].filter(isObject)
}

/** What `ferro ledger verify` finds in the books of each gateway, while it runs; empty when they agree. */
export async function proofViolations(fleet: Pick<Fleet, 'gateways'>): Promise<string[]> {
  const all = await Promise.all(
    fleet.gateways.map(async ({ configPath, dataDir }) => {
      const { code, text } = await ferro(['ledger', 'verify', '--config', configPath, '--data-dir', dataDir])
      return code === 0 ? [] : [`ferro ledger verify exits with ${String(code)}: ${text}`]
    }),
  )
  return all.flat()
}

function ferro(args: readonly string[]): Promise<{ readonly code: unknown; readonly text: string }> {
  return new Promise((done) => {
    const { PATH = '', HOME = '' } = process.env
    execFile(
      process.execPath,
      [PROGRAM, ...args],
      { env: { PATH, HOME, ...COMPILE_CACHE } },
      (error, stdout, stderr) => {
        done({ code: error === null ? 0 : (error.code ?? 'a signal'), text: stdout + stderr })
      },
    )
  })
}
