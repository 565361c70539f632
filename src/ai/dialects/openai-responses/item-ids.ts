/** The upstream's own id where it is one of this dialect; `answer` and the place make one that is unique and always the same. */
export function idOf(prefix: string, name: string | undefined, answer: string, index: number): string {
  return name?.startsWith(`${prefix}_`) === true ? name : `${prefix}_${answer}${index}`
}

/** An id of a request of ours (UUIDv7 without its lines) and a place; the vendor's own are longer. */
const MADE_HERE = /^[a-z]+_[0-9a-f]{12}7[0-9a-f]{3}[89ab][0-9a-f]{15}\d{1,4}$/

/** Whether an item was named by us: the vendor looks its items up by their ids, and knows nothing of this one. */
export function isMadeHere(id: string): boolean {
  return MADE_HERE.test(id)
}
