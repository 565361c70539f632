import type { MessagePort } from 'node:worker_threads'
import { KeyTable } from '../../governance/index.ts'
import type { DataWorkerStart, KeyMessage, ValueAnswer } from '../messages.ts'
import { drainPort } from './drain-port.ts'

export interface KeyFeedObserver {
  /** Control has answered who asked for the counters of a value. */
  readonly onValue: (answer: ValueAnswer) => void
  /** Changes have been applied; a plan that comes with them is put in force before anything else happens. */
  readonly onChange: (change: Pick<KeyMessage, 'epoch' | 'swap'>) => void
}

/**
 * What control tells a worker of keys, levels and values, applied in its order: as it comes, or at once, when a request needs
 * to know (`catchUp`).
 */
export class KeyFeed {
  readonly keys: KeyTable
  readonly #port: MessagePort
  readonly #observer: KeyFeedObserver

  constructor({ memory, pepper, levels, keys, keyPort }: DataWorkerStart, observer: KeyFeedObserver) {
    this.#port = keyPort
    this.#observer = observer
    this.keys = new KeyTable({
      generations: new Int32Array(memory.generations),
      pepper,
      catchUp: () => this.catchUp(),
    })
    for (const document of levels) this.keys.levels.apply({ name: document.name, document })
    for (const document of keys) this.keys.apply({ id: document.id, document })
    keyPort.on('message', (message) => this.#apply(message))
  }

  /** Applies all that waits, without returning to the event loop. */
  catchUp(): void {
    drainPort(this.#port, (message) => this.#apply(message))
  }

  close(): void {
    this.#port.close()
  }

  #apply(message: KeyMessage | ValueAnswer): void {
    if ('value' in message) return this.#observer.onValue(message)
    const { changes, levels, dropped } = message
    for (const change of levels) this.keys.levels.apply(change)
    for (const change of changes) this.keys.apply(change)
    if (dropped !== undefined) this.keys.levels.rules.drop(dropped)
    this.#observer.onChange(message)
  }
}
