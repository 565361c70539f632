import type { MessagePort } from 'node:worker_threads'
import type {
  AwaitedThing,
  ContentPort,
  DueThing,
  KeepingLimits,
  KeptContent,
  LookTimes,
  Released,
  UsageClaim,
  UsageClaimsPort,
} from '../../storage/index.ts'
import type { StoreAnswer, StoreValue, ToWriter } from '../messages.ts'

/** A store that says nothing for so long is not there: a client waits. */
const ANSWER_MS = 5_000

interface Waiting {
  readonly resolve: (value: StoreValue) => void
  readonly reject: (error: Error) => void
  readonly timer: NodeJS.Timeout
}

/** The stores of the writer thread from a data worker: calls go through the port that also wakes that thread. */
export class StoreCaller implements ContentPort, UsageClaimsPort {
  readonly #waiting = new Map<number, Waiting>()
  readonly #onReleased: (released: Released) => void
  #port: MessagePort | null = null
  #last = 0

  /** `onReleased`: budgets in memory get back what was held. */
  constructor(onReleased: (released: Released) => void) {
    this.#onReleased = onReleased
  }

  /** The writer thread may be another one later; calls to the one before are not answered any more. */
  connect(port: MessagePort): void {
    this.#port = port
    for (const call of [...this.#waiting.keys()]) this.#end(call)?.reject(new Error('the writer thread has ended'))
    port.on('message', (message: StoreAnswer) => {
      if ('released' in message) return this.#onReleased(message.released)
      const waiting = this.#end(message.call)
      if ('error' in message) waiting?.reject(new Error(message.error))
      else waiting?.resolve(message.value)
    })
  }

  keep(tenant: string, content: KeptContent, limits: KeepingLimits): void {
    this.#say({ method: 'keep', tenant, content, limits })
  }

  async chain(tenant: string, id: string): Promise<readonly string[] | null> {
    const value = await this.#ask((call) => ({ method: 'chain', call, tenant, id }))
    return isList(value) ? value : null
  }

  async holders(tenant: string, items: readonly string[]): Promise<readonly string[]> {
    const value = await this.#ask((call) => ({ method: 'holders', call, tenant, items }))
    return isList(value) ? value : []
  }

  async under(tenant: string, parent: string): Promise<readonly string[]> {
    const value = await this.#ask((call) => ({ method: 'under', call, tenant, parent }))
    return isList(value) ? value : []
  }

  async remove(tenant: string, id: string): Promise<boolean> {
    return (await this.#ask((call) => ({ method: 'remove', call, tenant, id }))) === true
  }

  async claim(thing: string, requestId: string): Promise<UsageClaim> {
    const value = await this.#ask((call) => ({ method: 'claim', call, thing, requestId }))
    return value === 'yours' || value === 'told' ? value : 'held'
  }

  told(thing: string, requestId: string): void {
    this.#say({ method: 'told', thing, requestId })
  }

  hold(thing: string, requestId: string): void {
    this.#say({ method: 'hold', thing, requestId })
  }

  free(thing: string): void {
    this.#say({ method: 'free', thing })
  }

  await(thing: AwaitedThing, times: LookTimes): void {
    this.#say({ method: 'await', thing, times })
  }

  async due(most: number, times: LookTimes): Promise<readonly DueThing[]> {
    const value = await this.#ask((call) => ({ method: 'due', call, most, times }))
    return Array.isArray(value) ? value.filter(isDue) : []
  }

  giveUp(thing: string): void {
    this.#say({ method: 'giveUp', thing })
  }

  #say(message: ToWriter): void {
    this.#port?.postMessage(message)
  }

  #ask(make: (call: number) => ToWriter): Promise<StoreValue> {
    return new Promise((resolve, reject) => {
      const call = ++this.#last
      const late = () => this.#end(call)?.reject(new Error('the store does not answer'))
      this.#waiting.set(call, { resolve, reject, timer: setTimeout(late, ANSWER_MS) })
      this.#say(make(call))
    })
  }

  #end(call: number): Waiting | undefined {
    const waiting = this.#waiting.get(call)
    this.#waiting.delete(call)
    clearTimeout(waiting?.timer)
    return waiting
  }
}

function isList(value: StoreValue): value is readonly string[] {
  return Array.isArray(value) && value.every((each) => typeof each === 'string')
}

function isDue(value: unknown): value is DueThing {
  return typeof value === 'object' && value !== null && 'look' in value
}
