import type { ConfigDocument } from '../config/index.ts'
import { type ListenerPorts, samePorts } from './listeners.ts'
import type { PoolMember } from './pool-member.ts'
import type { RouteSlots, SlotIndexes } from './route-slots.ts'

/** A document that workers have compiled and do not serve yet. */
export interface PreparedPlan {
  readonly version: number
  readonly document: ConfigDocument
  readonly slots: SlotIndexes
  readonly asked: ReadonlySet<PoolMember>
  readonly ready: ReadonlySet<PoolMember>
}

/** What workers serve now, and with what a new one starts. */
export class PlanInForce {
  readonly #routeSlots: RouteSlots
  #document: ConfigDocument
  #slots: SlotIndexes = {}
  #version = 0
  /** Of the last plan that was prepared, whatever became of it. */
  #lastVersion = 0
  #ports: ListenerPorts = {}

  constructor(routeSlots: RouteSlots, document: ConfigDocument) {
    this.#routeSlots = routeSlots
    this.#document = document
  }

  get document(): ConfigDocument {
    return this.#document
  }

  get slots(): SlotIndexes {
    return this.#slots
  }

  get version(): number {
    return this.#version
  }

  /** Ports that the listeners have, as far as they listen. */
  get ports(): ListenerPorts {
    return this.#ports
  }

  /** Takes the slots of the first plan. Throws when there is no room. */
  begin(epoch: number): void {
    this.#version = this.#lastVersion = 1
    this.#slots = this.#routeSlots.take(this.#document)
    this.#routeSlots.putInForce(this.#slots, epoch)
  }

  /** A worker listens there: who came first has chosen the ports that were left open. */
  listening(ports: ListenerPorts): void {
    this.#ports = { ...ports, ...this.#ports }
  }

  /** Has workers compile a document; answers the plan, or what one of them says against it, as of the `epoch` then. */
  async prepare(
    document: ConfigDocument,
    asked: readonly PoolMember[],
    epoch: () => number,
  ): Promise<PreparedPlan | string> {
    const version = ++this.#lastVersion
    const slots = this.#routeSlots.take(document)
    const answers = await Promise.all(
      asked.map(async (member) => await member.compile({ type: 'compile', version, document, slots })),
    )
    const ready = new Set(asked.filter((_, at) => answers[at] !== null))
    const refused = answers.find((answer) => answer?.type === 'refused')
    const prepared: PreparedPlan = { version, document, slots, asked: new Set(asked), ready }
    if (refused?.type !== 'refused') return prepared
    this.discard(prepared, epoch())
    return refused.message
  }

  /** Gives up what was prepared. */
  discard({ version, slots, asked }: PreparedPlan, epoch: number): void {
    for (const member of asked) member.tell({ type: 'discard', version })
    this.#routeSlots.discard(slots, epoch)
  }

  /** The plan is in force; `tell` lets the workers know before its slots are taken for the ones in use. */
  swap({ version, document, slots }: PreparedPlan, epoch: number, tell: () => void): void {
    this.#version = version
    this.#ports = samePorts(this.#ports, this.#document, document)
    this.#document = document
    this.#slots = slots
    tell()
    this.#routeSlots.putInForce(slots, epoch)
  }
}
