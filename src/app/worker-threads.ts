import { Worker } from 'node:worker_threads'
import type { DataThreadStart } from './messages.ts'
import { THREAD_ENTRY } from './threads/location.ts'

/** Threads for data workers. Some may be started early: they load their code and wait for a worker to run. */
export class WorkerThreads {
  readonly #heapMebibytes: () => number
  /** Threads that have no worker to run yet, oldest first. */
  readonly #warm: Worker[] = []

  /** `memoryBytes` is asked at the start of each thread. */
  constructor(memoryBytes: () => number) {
    this.#heapMebibytes = () => Math.ceil(memoryBytes() / 1_048_576)
  }

  /** Starts threads ahead; `first` is the number of the worker that will take the first. */
  warm(count: number, first: number): void {
    for (let ahead = 0; ahead < count; ahead++) {
      const thread = this.#start(first + ahead)
      this.#warm.push(thread)
      // Whoever takes it is told of its end; until then it only must not be taken.
      const forget = () => {
        const at = this.#warm.indexOf(thread)
        if (at >= 0) this.#warm.splice(at, 1)
      }
      thread.once('error', forget)
      thread.once('exit', forget)
    }
  }

  /** A thread for this worker. */
  take(worker: number): Worker {
    return this.#warm.shift() ?? this.#start(worker)
  }

  /** Ends those that nobody took. */
  async close(): Promise<void> {
    await Promise.all(this.#warm.splice(0).map(async (thread) => await thread.terminate()))
  }

  #start(worker: number): Worker {
    return new Worker(THREAD_ENTRY, {
      name: `ferro-data-${worker}`,
      workerData: { role: 'data' } satisfies DataThreadStart,
      resourceLimits: { maxOldGenerationSizeMb: this.#heapMebibytes() },
    })
  }
}
