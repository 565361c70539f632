import type { Database } from './database.ts'
import { type AskedBudget, askSpent, type SpentIn } from './spent-before.ts'

interface Asking {
  readonly asked: readonly AskedBudget[]
  readonly resolve: (spent: SpentIn) => void
  readonly reject: (error: unknown) => void
}

/** Asks the database what counters have spent: those who ask while it answers are answered together. */
export class SpentBatch {
  readonly #database: Pick<Database, 'catchUp' | 'counterSums'>
  #waiting: Asking[] = []
  #running = false

  constructor(database: Pick<Database, 'catchUp' | 'counterSums'>) {
    this.#database = database
  }

  /** All that was settled before is counted. Rejects when the database cannot tell. */
  async of(asked: readonly AskedBudget[]): Promise<SpentIn> {
    const answer = new Promise<SpentIn>((resolve, reject) => this.#waiting.push({ asked, resolve, reject }))
    if (!this.#running) void this.#run()
    return await answer
  }

  async #run(): Promise<void> {
    this.#running = true
    while (this.#waiting.length > 0) {
      const batch = this.#waiting
      this.#waiting = []
      try {
        const spent = await this.#ask(batch.flatMap(({ asked }) => asked))
        for (const { resolve } of batch) resolve(spent)
      } catch (error) {
        for (const { reject } of batch) reject(error)
      }
    }
    this.#running = false
  }

  async #ask(asked: readonly AskedBudget[]): Promise<SpentIn> {
    if (!(await this.#database.catchUp())) throw new Error('the database takes no records')
    return await askSpent(this.#database, asked)
  }
}
