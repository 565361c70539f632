import type { Asked } from '../harness/ask.ts'
import { Times } from './times.ts'

/** What became of the requests of a load. */
export class Figures {
  served = 0
  readonly failures: string[] = []
  /** How many failures there were of each kind. */
  readonly kinds = new Map<string, number>()
  readonly #times = new Times()

  /** Enters an answer; whatever is not right about it is a failure. */
  enter(what: string, answer: Asked, isRight: (text: string) => boolean): void {
    this.served++
    this.#times.add(answer.tookMs)
    if (answer.status === 200 && answer.complete && isRight(answer.text)) return
    const kind = `${answer.status} ${/"code":"(\w+)"/.exec(answer.text)?.[1] ?? (answer.complete ? '' : 'cut')}`
    this.kinds.set(kind, (this.kinds.get(kind) ?? 0) + 1)
    this.failures.push(`${what}: ${answer.status} ${answer.complete ? '' : '(cut) '}${answer.text.slice(-200)}`)
  }

  /** One line for people. */
  summary(seconds: number): string {
    const rate = (this.served / seconds).toFixed(0)
    return `${this.served} requests (${rate}/s), ${this.failures.length} failed; ${this.#times.summary()}`
  }
}

/** Prints what happened, and sets the exit code. */
export function report(name: string, figures: Figures, seconds: number): void {
  console.log(`${name}: ${figures.summary(seconds)}`)
  for (const [kind, count] of figures.kinds) console.log(`  ${count} times ${kind}`)
  for (const failure of figures.failures.slice(0, 20)) console.log(`  ${failure}`)
  process.exitCode = figures.failures.length === 0 ? 0 : 1
}
