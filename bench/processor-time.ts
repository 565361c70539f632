import { readdirSync, readFileSync } from 'node:fs'

/** On-processor time of every thread of a process tree at one moment. */
export type ThreadTimes = ReadonlyMap<string, ThreadTime>

/** One thread: the process it belongs to, its kernel name (at most 15 bytes) and its time on a processor so far. */
export type ThreadTime = {
  readonly processId: number
  readonly threadId: number
  readonly name: string
  readonly nanos: number
}

/**
 * Times of all threads of `rootId` and its descendants, from `/proc/PID/task/TID/schedstat` (first field,
 * nanoseconds on a processor, user and kernel). `/proc/PID/stat` would be ten milliseconds coarse.
 */
export const readThreadTimes = (rootId: number): ThreadTimes => {
  const times = new Map<string, ThreadTime>()
  for (const processId of processTree(rootId)) {
    for (const threadText of listFolder(`/proc/${processId}/task`)) {
      const folder = `/proc/${processId}/task/${threadText}`
      const schedule = readText(`${folder}/schedstat`)
      if (schedule === '') continue
      times.set(`${processId}/${threadText}`, {
        processId,
        threadId: Number(threadText),
        name: readText(`${folder}/comm`).trim(),
        nanos: Number(schedule.split(' ')[0]),
      })
    }
  }
  return times
}

/** Nanoseconds that passed on a processor between two readings, in the threads that `counts` accepts. */
export const elapsedNanos = (
  before: ThreadTimes,
  after: ThreadTimes,
  counts: (thread: ThreadTime) => boolean,
): number => {
  let sum = 0
  for (const [key, thread] of after) if (counts(thread)) sum += thread.nanos - (before.get(key)?.nanos ?? 0)
  return sum
}

/** A process and all its descendants, the root first. */
export const processTree = (rootId: number): readonly number[] => {
  const children = new Map<number, number[]>()
  for (const name of listFolder('/proc')) {
    if (!/^\d+$/.test(name)) continue
    // The command name stands in brackets and may hold spaces: the parent is the second field after the last bracket.
    const stat = readText(`/proc/${name}/stat`)
    const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
    const siblings = children.get(parent)
    if (siblings === undefined) children.set(parent, [Number(name)])
    else siblings.push(Number(name))
  }
  const tree = [rootId]
  for (let index = 0; index < tree.length; index += 1) tree.push(...(children.get(tree[index]!) ?? []))
  return tree
}

/** Resident memory of a process tree in bytes: RSS counts shared pages fully, PSS by share. */
export const readMemory = (rootId: number): { readonly rssBytes: number; readonly pssBytes: number } => {
  let rssBytes = 0
  let pssBytes = 0
  for (const processId of processTree(rootId)) {
    rssBytes += kilobytes(readText(`/proc/${processId}/status`), 'VmRSS') * 1024
    pssBytes += kilobytes(readText(`/proc/${processId}/smaps_rollup`), 'Pss') * 1024
  }
  return { rssBytes, pssBytes }
}

const kilobytes = (text: string, field: string): number =>
  Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? 0)

// Threads and processes end between listing and reading: what is gone reads as empty.
const readText = (path: string): string => {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return ''
  }
}

const listFolder = (path: string): readonly string[] => {
  try {
    return readdirSync(path)
  } catch {
    return []
  }
}
