import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** A gateway as it announces itself in `instance.json` of its data directory. */
export interface RunningInstance {
  readonly pid: number
  /** Base URL of the control listener. */
  readonly control: string
}

/** The gateway that is announced in a data directory, or null when there is none that lives. */
export function readInstance(dataDir: string): RunningInstance | null {
  try {
    const value: unknown = JSON.parse(readFileSync(join(dataDir, 'instance.json'), 'utf8'))
    if (typeof value !== 'object' || value === null || !('pid' in value) || !('control' in value)) return null
    const { pid, control } = value
    if (typeof pid !== 'number' || typeof control !== 'string' || !URL.canParse(control)) return null
    return isAlive(pid) ? { pid, control } : null
  } catch {
    // There is none, or it is of no use: both mean that nobody can be asked.
    return null
  }
}

/** A file that a crash left behind may name an address that belongs to somebody else by now. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // A process of another user is alive, too.
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}
