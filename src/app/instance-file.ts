import { renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** What other programs on this machine need to find a running gateway. */
export interface Instance {
  readonly pid: number
  readonly data: string
  /** Where each data listener is reached, by its name; `data` is that of `main`. */
  readonly listeners: Readonly<Record<string, string>>
  readonly control: string
  readonly workers: number
}

/** Writes `instance.json` into the data directory, whole or not at all. */
export function writeInstance(dataDir: string, instance: Instance): void {
  const path = join(dataDir, 'instance.json')
  writeFileSync(`${path}.new`, `${JSON.stringify(instance)}\n`, { mode: 0o600 })
  renameSync(`${path}.new`, path)
}

export function removeInstance(dataDir: string): void {
  rmSync(join(dataDir, 'instance.json'), { force: true })
}
