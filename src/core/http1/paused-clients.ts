/** Twice this is the longest that a client's end goes unseen. */
const LOOK_MS = 50

/** A connection whose socket is not read, because nobody takes what it has. */
export interface PausedClient {
  /** Finds out whether the client has left. */
  lookWhilePaused(): void
}

/** Looks after clients whose sockets are not read: of those nobody hears that they have left. */
export class PausedClients {
  /** With whether they were there at the last look already. */
  readonly #clients = new Map<PausedClient, boolean>()
  #timer: NodeJS.Timeout | null = null

  add(client: PausedClient): void {
    if (this.#clients.has(client)) return
    this.#clients.set(client, false)
    this.#timer ??= setInterval(() => this.#look(), LOOK_MS).unref()
  }

  delete(client: PausedClient): void {
    this.#clients.delete(client)
  }

  #look(): void {
    if (this.#clients.size === 0 && this.#timer !== null) {
      clearInterval(this.#timer)
      this.#timer = null
    }
    for (const [client, isOld] of this.#clients) {
      // Most pauses are over before anybody looks.
      if (isOld) client.lookWhilePaused()
      else this.#clients.set(client, true)
    }
  }
}
