import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createCounters } from '../../lib/index.ts'
import { type PlaceQueue, type PlaceWaiter, placeQueueAt } from './place-queue.ts'
import { type SharedCells, viewCells } from './shared-cells.ts'
import { placesCells, SharedPlaces } from './shared-places.ts'
import { SEATS } from './testing/pool.ts'

/** The same slot as threads see it. */
class Slot {
  readonly #region = createCounters(placesCells(SEATS))
  readonly #seats: SharedCells[] = []

  seat(number: number): PlaceQueue {
    this.#seats[number] ??= viewCells(this.#region)
    return placeQueueAt(this.#seats[number], 0, { number, of: SEATS })
  }

  /** As the control thread does it when a thread has died. */
  bury(number: number): void {
    new SharedPlaces(viewCells(this.#region), 0, { number, of: SEATS }).clearSeat(number)
  }
}

/** Waits, and resolves with its place. */
class Waiter implements PlaceWaiter {
  readonly sinceMs: number
  readonly #served = Promise.withResolvers<number>()
  readonly #max: number

  constructor(sinceMs: number, max: number) {
    this.sinceMs = sinceMs
    this.#max = max
  }

  get served(): Promise<number> {
    return this.#served.promise
  }

  offer(queue: PlaceQueue): 'full' | 'gone' {
    const place = queue.takeInTurn(this.#max)
    if (place < 0) return 'full'
    queue.leave(this)
    this.#served.resolve(place)
    return 'gone'
  }
}

test('no more places are taken than the limit, and one that is given back can be taken again', () => {
  const queue = new Slot().seat(0)
  const places = [queue.take(3), queue.take(3), queue.take(3)]
  assert.deepEqual(places.toSorted(), [0, 1, 2])
  assert.equal(queue.take(3), -1)
  queue.giveBack(1)
  assert.equal(queue.served, 2)
  assert.equal(queue.take(3), 1)
})

test('a limit that became smaller lets nobody in until enough have gone, whichever they are', () => {
  const queue = new Slot().seat(0)
  for (let n = 0; n < 5; n++) assert.ok(queue.take(5) >= 0)
  queue.giveBack(0)
  queue.giveBack(1)
  assert.equal(queue.take(2), -1, 'three are left')
  queue.giveBack(4)
  assert.equal(queue.take(2), -1, 'two are left')
  queue.giveBack(3)
  assert.ok(queue.take(2) >= 0)
})

test('places and waits of a thread that died are given back, and others get them', async () => {
  const slot = new Slot()
  assert.ok(slot.seat(0).take(1) >= 0)
  // Nobody offers it anything any more.
  const lost: PlaceWaiter = { sinceMs: 1, offer: () => 'full' }
  assert.ok(slot.seat(0).join(lost, 5))
  const waiter = new Waiter(2, 1)
  assert.ok(slot.seat(1).join(waiter, 5))
  assert.equal(slot.seat(1).queued, 2)
  slot.bury(0)
  assert.equal(await waiter.served, 0)
  assert.equal(slot.seat(1).queued, 0)
  slot.seat(0).leave(lost)
})

test('no more wait than may, over all threads, and one that leaves makes room', () => {
  const slot = new Slot()
  slot.seat(0).take(1)
  const first = new Waiter(1, 1)
  assert.ok(slot.seat(0).join(first, 2))
  const second = new Waiter(2, 1)
  assert.ok(slot.seat(1).join(second, 2))
  const third = new Waiter(3, 1)
  assert.equal(slot.seat(2).join(third, 2), false)
  slot.seat(0).leave(first)
  assert.ok(slot.seat(2).join(third, 2))
  slot.seat(1).leave(second)
  slot.seat(2).leave(third)
})

test('whoever came first is served first, whatever its thread, and nobody who comes later overtakes', async () => {
  const slot = new Slot()
  const place = slot.seat(0).take(1)
  const order: number[] = []
  const all = [0, 1, 1, 0, 2].map((seat, n) => {
    const waiter = new Waiter(n + 1, 1)
    assert.ok(slot.seat(seat).join(waiter, 9))
    return waiter.served.then((given) => {
      order.push(n)
      assert.equal(slot.seat(3).take(1), -1)
      slot.seat(seat).giveBack(given)
    })
  })
  slot.seat(0).giveBack(place)
  await Promise.all(all)
  assert.deepEqual(order, [0, 1, 2, 3, 4])
  assert.ok(slot.seat(3).take(1) >= 0)
})

test('a thread that says it waits and does nothing holds the others up for a moment only', async () => {
  const region = createCounters(placesCells(SEATS))
  const hung = new SharedPlaces(viewCells(region), 0, { number: 0, of: SEATS })
  const queue = placeQueueAt(viewCells(region), 0, { number: 1, of: SEATS })
  const place = queue.take(1)
  hung.waitsSince(1)
  const waiter = new Waiter(2, 1)
  assert.ok(queue.join(waiter, 1))
  queue.giveBack(place)
  assert.equal(await waiter.served, 0)
})
