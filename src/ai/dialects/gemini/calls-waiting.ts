export interface WaitingCall {
  readonly id: string
  readonly name: string
  /** The client gave it no id. */
  readonly made: boolean
}

interface Entry extends WaitingCall {
  answered: boolean
}

/** Calls of one kind, oldest first. */
interface Queue {
  readonly calls: Entry[]
  next: number
}

/** Calls that wait for their results, in the order in which they came; each look takes the first one that fits. */
export class WaitingCalls {
  readonly #all: Queue = { calls: [], next: 0 }
  readonly #byId = new Map<string, Queue>()
  readonly #byName = new Map<string, Queue>()
  readonly #madeByName = new Map<string, Queue>()

  add(call: WaitingCall): void {
    const entry: Entry = { ...call, answered: false }
    this.#all.calls.push(entry)
    into(this.#byId, call.id, entry)
    into(this.#byName, call.name, entry)
    if (call.made) into(this.#madeByName, call.name, entry)
  }

  takeId(id: string): WaitingCall | undefined {
    return taken(this.#byId.get(id))
  }

  takeName(name: string, which: 'any' | 'made'): WaitingCall | undefined {
    return taken((which === 'any' ? this.#byName : this.#madeByName).get(name))
  }

  takeFirst(): WaitingCall | undefined {
    return taken(this.#all)
  }
}

function into(queues: Map<string, Queue>, key: string, entry: Entry): void {
  const queue = queues.get(key)
  if (queue === undefined) queues.set(key, { calls: [entry], next: 0 })
  else queue.calls.push(entry)
}

/** Each queue passes each of its calls once, however many of them others took. */
function taken(queue: Queue | undefined): WaitingCall | undefined {
  if (queue === undefined) return undefined
  let entry = queue.calls[queue.next]
  while (entry?.answered === true) entry = queue.calls[++queue.next]
  if (entry !== undefined) entry.answered = true
  return entry
}
