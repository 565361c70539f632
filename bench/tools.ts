import { spawnSync } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import type { Options } from './options.ts'

/** Programs that the benchmark drives, by absolute path, with their versions. */
export type Tools = {
  readonly nginx: string
  readonly nginxVersion: string
  readonly wrk: string
  readonly wrkVersion: string
  /** Null where processes cannot be pinned or are not to be. */
  readonly taskset: string | null
}

/** Finds nginx, wrk and taskset; throws an Error that names everything missing and how to get it. */
export const findTools = (pin: Options['pin']): Tools => {
  if (process.platform !== 'linux') {
    throw new Error('The benchmark reads /proc, so it runs on Linux only.')
  }
  const nginx = findProgram('nginx')
  const wrk = findProgram('wrk')
  const missing = [nginx === null ? 'nginx' : '', wrk === null ? 'wrk' : ''].filter((name) => name !== '')
  if (nginx === null || wrk === null) {
    throw new Error(`Not found: ${missing.join(' and ')}. On Debian: apt-get install nginx-light wrk`)
  }
  const taskset = pin === null ? null : findProgram('taskset')
  return {
    nginx,
    nginxVersion: firstLine(nginx, ['-v']).replace('nginx version: ', ''),
    wrk,
    wrkVersion: firstLine(wrk, ['-v']).replace(/ Copyright.*/, ''),
    taskset: pin !== null && taskset !== null && canPin(taskset, [pin.measured, pin.load]) ? taskset : null,
  }
}

// nginx lives in a folder for administrators that a user's PATH often lacks.
const findProgram = (name: string): string | null => {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin']
  for (const folder of folders) {
    const path = join(folder, name)
    try {
      accessSync(path, constants.X_OK)
      return path
    } catch {
      // Not in this folder; the next one may have it.
    }
  }
  return null
}

const firstLine = (program: string, args: readonly string[]): string => {
  const result = spawnSync(program, args, { encoding: 'utf8' })
  return `${result.stdout}${result.stderr}`.split('\n')[0] ?? ''
}

const canPin = (taskset: string, processors: readonly number[]): boolean =>
  processors.every((processor) => spawnSync(taskset, ['-c', String(processor), 'true']).status === 0)
