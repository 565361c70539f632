import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { eventually } from '../harness/eventually.ts'
import type { GatewayOptions } from '../harness/gateway.ts'

/** Part of the gateway that a thread runs. */
export type Role = 'main' | 'data' | 'writer' | 'reader'

/** A living thread of a gateway under test. */
export interface Thread {
  readonly role: Role
  /** Never used twice, also not by a restarted process. */
  readonly name: string
}

/**
 * How a thread can be made to fail. `exit` comes while requests that it has just read are not in the journal yet.
 * `write …` comes with its next write to the journal, which it dies before, in the middle of, or right behind: the
 * thread alone (`exit`) or the whole process (`kill`).
 */
export type Order =
  | 'throw'
  | 'reject'
  | 'exit'
  | 'oom'
  | `stall ${number}`
  | `write ${'before' | 'half' | 'after'} ${'exit' | 'kill'}`

const CONNECT_MS = 300

/** The threads of one gateway that was started with {@link Threads.gateway}, and the power to make them fail. */
export class Threads {
  readonly #directory = mkdtempSync(join(tmpdir(), 'ferro-faults-'))

  /** Options for the gateway whose threads these are. */
  get gateway(): Pick<GatewayOptions, 'nodeArgs' | 'env'> {
    const preload = join(import.meta.dirname, 'fault-preload.ts')
    return { nodeArgs: ['--import', preload], env: { FERRO_TEST_FAULTS: this.#directory } }
  }

  /** Threads that answer now; one whose event loop stands still still answers, since the kernel does it. */
  async living(role: Role): Promise<Thread[]> {
    const names = readdirSync(this.#directory).filter((name) => name.startsWith(`${role}-`))
    const found = await Promise.all(
      names.map(async (name) => {
        return (await answers(join(this.#directory, name))) ? [{ role, name }] : []
      }),
    )
    return found.flat().sort((a, b) => a.name.localeCompare(b.name))
  }

  /** Any living thread of this role; throws when there is none within 5 s. */
  async any(role: Role, random: () => number = Math.random): Promise<Thread> {
    return await eventually(
      async () => {
        const threads = await this.living(role)
        return threads[Math.floor(random() * threads.length)]
      },
      { what: `a thread of role ${role}` },
    )
  }

  /** Tells a thread to fail; resolves when it has heard. */
  async order(thread: Thread, order: Order): Promise<void> {
    await this.#tell(thread, order)
  }

  /** Ends a thread from outside, at whatever instruction it is. */
  async terminate(thread: Thread): Promise<void> {
    const [main] = await this.living('main')
    if (main === undefined) throw new Error('the gateway is not running')
    await this.#tell(main, `terminate ${thread.name.split('-').at(-1)}`)
  }

  async #tell(thread: Thread, order: string): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const socket = connect(join(this.#directory, thread.name), () => {
        socket.write(`${order}\n`)
      })
      socket.once('data', () => {
        socket.destroy()
        resolve()
      })
      socket.once('error', reject)
      // A thread that ends at once may take its answer with it.
      socket.once('close', () => {
        resolve()
      })
    })
  }

  /** Resolves when the thread is gone and another one of its role, not among `known`, is there. */
  async replaced(victim: Thread, known: readonly Thread[], deadlineMs: number): Promise<void> {
    const old = new Set(known.map((thread) => thread.name))
    await eventually(
      async () => {
        const now = await this.living(victim.role)
        return now.every((thread) => thread.name !== victim.name) && now.some((thread) => !old.has(thread.name))
      },
      { deadlineMs, everyMs: 20, what: `another ${victim.role} thread in place of ${victim.name}` },
    )
  }

  /** Removes the sockets. */
  close(): void {
    rmSync(this.#directory, { recursive: true, force: true })
  }
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path)
    const done = (alive: boolean) => {
      clearTimeout(timer)
      socket.destroy()
      resolve(alive)
    }
    const timer = setTimeout(done, CONNECT_MS, false)
    socket.once('connect', () => {
      done(true)
    })
    socket.once('error', () => {
      done(false)
    })
  })
}
