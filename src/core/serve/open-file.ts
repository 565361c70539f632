import { close, constants, fstat, open, readlink, realpath, realpathSync, type Stats, statSync } from 'node:fs'
import { join, resolve, sep } from 'node:path'

/** An open file. Whoever has it closes it. */
export interface OpenFile {
  readonly kind: 'file'
  readonly fd: number
  readonly stats: Stats
}

/** What a path turned out to be. `busy`: the process has no more files to open. */
export type Opened = OpenFile | { readonly kind: 'folder' | 'absent' | 'forbidden' | 'busy' }

/** A pipe would keep a reader waiting, and a terminal would become ours. */
const FLAGS = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY

const KINDS: Readonly<Record<string, 'absent' | 'forbidden' | 'busy'>> = {
  ENOENT: 'absent',
  ENOTDIR: 'absent',
  ELOOP: 'absent',
  ENAMETOOLONG: 'absent',
  ENXIO: 'absent',
  EINVAL: 'absent',
  EACCES: 'forbidden',
  EPERM: 'forbidden',
  EMFILE: 'busy',
  ENFILE: 'busy',
}

/**
 * A folder, out of which no link leads: what was opened is asked for its real name, so that nothing can be exchanged
 * between the question and the opening. The folder itself may be a link, and may be pointed elsewhere at any time.
 */
export class FileRoot {
  readonly #path: string
  #real: string

  /** Throws an Error when there is no such folder. */
  constructor(path: string) {
    this.#path = resolve(path)
    if (!isFolder(this.#path)) throw new Error(`${this.#path} is no folder that can be read`)
    this.#real = realpathSync(this.#path)
  }

  /** Opens what lies at a path of names, none of which is `..`. Rejects only for a failure of the file system. */
  open(names: readonly string[]): Promise<Opened> {
    const path = names.length === 0 ? this.#path : this.#path + sep + names.join(sep)
    return new Promise((done, fail) => {
      const give = (error: NodeJS.ErrnoException) => {
        const kind = KINDS[error.code ?? '']
        if (kind === undefined) fail(error)
        else done({ kind })
      }
      open(path, FLAGS, (error, fd) => {
        if (error !== null) return give(error)
        const giveUp = (kind: 'folder' | 'absent', problem: NodeJS.ErrnoException | null) => {
          closeFile(fd)
          if (problem !== null) give(problem)
          else done({ kind })
        }
        fstat(fd, (problem, stats) => {
          if (problem !== null) return giveUp('absent', problem)
          if (!stats.isFile() && !stats.isDirectory()) return giveUp('absent', null)
          realName(fd, path, (unknown, real) => {
            if (unknown !== null) return giveUp('absent', unknown)
            this.#holds(real, (inside) => {
              if (!inside) giveUp('absent', null)
              else if (stats.isDirectory()) giveUp('folder', null)
              else done({ kind: 'file', fd, stats })
            })
          })
        })
      })
    })
  }

  #holds(real: string, done: (inside: boolean) => void): void {
    if (isWithin(real, this.#real)) return done(true)
    realpath.native(this.#path, (error, now) => {
      if (error !== null || now === this.#real) return done(false)
      this.#real = now
      done(isWithin(real, now))
    })
  }
}

/** Closes a file without waiting. */
export function closeFile(fd: number): void {
  close(fd, () => undefined) // a file that was only read loses nothing when closing fails
}

/** Where Linux says what a descriptor stands for; asked in place of the path, which may lead elsewhere by now. */
const DESCRIPTORS = process.platform === 'linux' && isFolder('/proc/self/fd') ? '/proc/self/fd' : null

function realName(fd: number, path: string, done: (error: NodeJS.ErrnoException | null, real: string) => void): void {
  if (DESCRIPTORS === null) realpath.native(path, done)
  else readlink(join(DESCRIPTORS, String(fd)), done)
}

function isWithin(real: string, root: string): boolean {
  return real === root || real.startsWith(root === sep ? root : root + sep)
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true
}
