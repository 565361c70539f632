import { Session } from 'node:inspector'

/** Methods that look at, or move, as many items as their array has. */
const WHOLE = (
  'concat every filter find findIndex findLast findLastIndex flat flatMap forEach includes indexOf join lastIndexOf map reduce ' +
  'reverse shift slice some sort splice toSorted unshift with entries keys values'
).split(' ')

/**
 * How much work a piece of synchronous code does, in steps that are the same on every machine and at any load: how often each block
 * of the gateway's own code ran, and how long the arrays were that built-in methods and spreads went through.
 */
export function stepsOf(run: () => void): number {
  const session = counting()
  // What ran before is not counted.
  session.post('Profiler.takePreciseCoverage')
  let blocks = 0
  const natives = countingNatives()
  try {
    run()
  } finally {
    natives.restore()
    session.post('Profiler.takePreciseCoverage', (_error, { result }) => {
      for (const { url, functions } of result) {
        if (!url.includes('/src/') || url.includes('node_modules')) continue
        for (const { ranges } of functions) for (const { count } of ranges) blocks += count
      }
    })
  }
  return blocks + natives.items()
}

let shared: Session | null = null

/** One for all: to begin with the counting makes the engine forget what it has compiled. */
function counting(): Session {
  if (shared === null) {
    shared = new Session()
    shared.connect()
    shared.post('Profiler.enable')
    shared.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true })
  }
  return shared
}

function countingNatives(): { items(): number; restore(): void } {
  let items = 0
  const prototype: object = Array.prototype
  const before = new Map<PropertyKey, unknown>()
  for (const name of [...WHOLE, Symbol.iterator]) {
    const method: unknown = Reflect.get(prototype, name)
    if (typeof method !== 'function') continue
    before.set(name, method)
    const counting = function (this: unknown[], ...args: unknown[]): unknown {
      items += this.length
      return Reflect.apply(method, this, args)
    }
    Object.defineProperty(prototype, name, { value: counting, configurable: true, writable: true, enumerable: false })
  }
  return {
    items: () => items,
    restore() {
      for (const [name, value] of before) {
        Object.defineProperty(prototype, name, { value, configurable: true, writable: true, enumerable: false })
      }
    },
  }
}
