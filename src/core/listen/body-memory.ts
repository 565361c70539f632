/**
 * Memory for request bodies that are read whole. Memory of this size is dear in Node: each allocation lies outside the
 * heap, counts towards the next full collection, and comes back from the system as pages to be faulted in. Of what is
 * given back so much is kept for later bodies as one thread needs at once.
 */
const SMALLEST = 16_384
/** Larger memory is made for its body, and left to the collector. */
const LARGEST = 1_048_576
/** Memory that one thread keeps at most while no body is in it. */
const KEPT_BYTES = 8 * 1_048_576

const free = new Map<number, Buffer[]>()
let keptBytes = 0

/** Memory of at least `length` bytes, which hold anything. */
export function takeMemory(length: number): Buffer {
  if (length > LARGEST) return Buffer.allocUnsafeSlow(length)
  let size = SMALLEST
  while (size < length) size *= 2
  const memory = free.get(size)?.pop()
  if (memory === undefined) return Buffer.allocUnsafeSlow(size)
  keptBytes -= size
  return memory
}

/** Gives back what `takeMemory` gave. Nobody may read or write it any more: the next body goes there. */
export function giveMemory(memory: Buffer): void {
  const size = memory.length
  if (size > LARGEST || keptBytes + size > KEPT_BYTES) return
  const list = free.get(size)
  if (list === undefined) free.set(size, [memory])
  else list.push(memory)
  keptBytes += size
}
