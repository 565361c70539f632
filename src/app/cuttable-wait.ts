/** A wait that a second signal ends, and that is none after it. */
export class CuttableWait {
  #end: (() => void) | null = null
  #wasCut = false

  get wasCut(): boolean {
    return this.#wasCut
  }

  async wait(ms: number): Promise<void> {
    if (this.#wasCut || ms === 0) return
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms)
      this.#end = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  cut(): void {
    this.#wasCut = true
    this.#end?.()
  }
}
