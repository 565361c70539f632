import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { keyOf } from '../../test/request-path/keys.ts'
import { hashKey, hashKeyWithPepper } from '../storage/index.ts'
import type { KeyDocument } from './key-document.ts'
import { KeyPrincipal } from './key-principal.ts'
import { type KeyChange, KeyTable } from './key-table.ts'

const PEPPER = 'pepper'

/** A table beside a control thread that posts its changes to a queue, then raises the generation. */
class Threads {
  readonly generations = new Int32Array(new SharedArrayBuffer(64))
  readonly queue: KeyChange[] = []
  catchUps = 0
  readonly table = new KeyTable({
    generations: this.generations,
    pepper: PEPPER,
    catchUp: () => {
      this.catchUps++
      this.deliver()
    },
  })

  deliver(): void {
    for (const change of this.queue.splice(0)) this.table.apply(change)
  }

  post(document: KeyDocument): KeyDocument {
    const next = { ...document, generation: Atomics.load(this.generations, document.generationSlot) + 1 }
    this.queue.push({ id: document.id, document: next })
    return next
  }

  raise(document: KeyDocument): void {
    Atomics.store(this.generations, document.generationSlot, document.generation)
  }

  change(document: KeyDocument): void {
    this.raise(this.post(document))
  }

  remove(document: KeyDocument): void {
    this.queue.push({ id: document.id, document: null })
    Atomics.add(this.generations, document.generationSlot, 1)
  }
}

test('finds a key by its secret, plain or keyed, and no other', () => {
  const threads = new Threads()
  threads.change(keyOf('plain'))
  threads.change(keyOf('keyed', { hash: hashKeyWithPepper('secret-of-keyed', PEPPER), generationSlot: 1 }))
  threads.change(keyOf('blake', { hash: `blake2b:${hash('blake2b512', 'secret-of-blake', 'hex')}`, generationSlot: 2 }))
  threads.deliver()
  const { table } = threads
  for (let round = 0; round < 2; round++) {
    assert.equal(table.find('secret-of-plain')?.id, 'plain')
    assert.equal(table.find('secret-of-keyed')?.id, 'keyed')
    assert.equal(table.find('secret-of-blake')?.id, 'blake')
    for (const wrong of ['', 'plain', 'secret-of-plai', 'secret-of-plain ', hashKey('secret-of-plain')]) {
      assert.equal(table.find(wrong), null, wrong)
    }
  }
  assert.equal(table.size, 3)
  assert.equal(table.get('plain')?.id, 'plain')
  assert.equal(table.get('none'), null)
})

test('a keyed hash needs its pepper, and is not what a plain hash of the same text would be', () => {
  const threads = new Threads()
  threads.change(keyOf('keyed', { hash: hashKeyWithPepper('s', 'another pepper') }))
  threads.change(keyOf('other', { hash: hashKeyWithPepper('s', PEPPER).replace('hmac-', ''), generationSlot: 1 }))
  threads.deliver()
  assert.equal(threads.table.find('s'), null)
})

test('a change is in force as soon as its generation is, even while it waits in the queue', () => {
  const threads = new Threads()
  const key = keyOf('a')
  threads.change(key)
  threads.deliver()
  assert.equal(threads.table.find('secret-of-a')?.enabled, true)
  threads.change({ ...key, enabled: false })
  assert.equal(threads.table.find('secret-of-a')?.enabled, false)
  assert.equal(threads.catchUps, 1)
  threads.change({ ...key, hash: hashKey('rotated') })
  assert.equal(threads.table.find('secret-of-a'), null)
  assert.equal(threads.table.find('rotated')?.id, 'a')
  threads.remove(key)
  assert.equal(threads.table.find('rotated'), null)
  assert.equal(threads.table.size, 0)
  assert.equal(threads.table.find('rotated'), null)
})

test('a change that arrives before its generation is raised shuts nobody out', () => {
  const threads = new Threads()
  const key = keyOf('a')
  threads.change(key)
  threads.deliver()
  for (const known of ['known', 'not yet seen']) {
    if (known === 'known') assert.ok(threads.table.find('secret-of-a') !== null)
    const posted = threads.post({ ...key, scopes: [known] })
    threads.deliver()
    assert.equal(threads.table.find('secret-of-a')?.id, 'a', known)
    threads.raise(posted)
    assert.deepEqual(threads.table.find('secret-of-a')?.scopes, new Set([known]))
  }
  const created = threads.post(keyOf('b', { generationSlot: 1 }))
  threads.deliver()
  assert.equal(threads.table.find('secret-of-b')?.id, 'b')
  threads.raise(created)
})

test('a change that is lost leaves the key shut: what is newer than the table is not guessed', () => {
  const threads = new Threads()
  threads.change(keyOf('a'))
  threads.deliver()
  Atomics.add(threads.generations, 0, 1)
  assert.equal(threads.table.find('secret-of-a'), null)
})

test('for any history of changes, what is found is what control wants', () => {
  const step = fc.record({
    id: fc.constantFrom('a', 'b', 'c'),
    action: fc.constantFrom('put', 'put', 'rotate', 'key', 'remove', 'deliver', 'look'),
    secret: fc.constantFrom('s1', 's2', 's3', 's4'),
  })
  const ids = ['a', 'b', 'c']
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const threads = new Threads()
      const wanted = new Map<string, { secret: string; document: KeyDocument }>()
      for (const { id, action, secret } of steps) {
        // Two keys have never the same secret: control makes them at random.
        const own = `${id}-${secret}`
        const slot = { generationSlot: ids.indexOf(id) }
        const document =
          action === 'key'
            ? keyOf(id, { ...slot, hash: hashKeyWithPepper(own, PEPPER) })
            : keyOf(id, { ...slot, hash: hashKey(own) })
        if (action === 'put' || action === 'rotate' || action === 'key') {
          threads.change(document)
          wanted.set(id, { secret: own, document })
        } else if (action === 'remove') {
          const held = wanted.get(id)
          if (held !== undefined) threads.remove(held.document)
          wanted.delete(id)
        } else if (action === 'deliver') threads.deliver()
        else {
          const expected = [...wanted.values()].some((held) => held.secret === own) ? id : null
          assert.equal(threads.table.find(own)?.id ?? null, expected)
        }
      }
      for (const id of ids) {
        for (const secret of ['s1', 's2', 's3', 's4']) {
          const expected = wanted.get(id)?.secret === `${id}-${secret}` ? id : null
          assert.equal(threads.table.find(`${id}-${secret}`)?.id ?? null, expected)
        }
      }
    }),
  )
})

test('an allowance counts for every name of the same entry, a denial for every name of what serves it', () => {
  const names = { same: ['fast', 'fast-chat'], served: ['far/small', 'fast', 'fast-chat', 'other'] }
  const rows = [
    [['fast'], null, true],
    [['fast-chat'], null, true],
    [['far/*'], null, false],
    [['other'], null, false],
    [null, ['other'], false],
    [['fast'], ['far/*'], false],
    [null, ['fast'], false],
    [null, ['far/large'], true],
    [null, ['FAR/Small'], false],
    [['Fast'], null, false],
  ] as const
  for (const [modelsAllow, modelsDeny, may] of rows) {
    const principal = new KeyPrincipal(keyOf('k', { modelsAllow, modelsDeny }))
    assert.equal(principal.mayUse(names), may, JSON.stringify([modelsAllow, modelsDeny]))
  }
})

test('deny wins over allow, and an empty list of scopes is every scope', () => {
  const rows = [
    [null, null, true],
    [[], null, false],
    [['a*'], null, true],
    [['b*'], null, false],
    [null, [], true],
    [null, ['a*'], false],
    [['*'], ['abc'], false],
    [['abc'], ['b*'], true],
  ] as const
  for (const [modelsAllow, modelsDeny, may] of rows) {
    assert.equal(
      new KeyPrincipal(keyOf('k', { modelsAllow, modelsDeny })).mayUse({ same: ['abc'], served: ['abc'] }),
      may,
      JSON.stringify([modelsAllow, modelsDeny]),
    )
  }
  assert.equal(new KeyPrincipal(keyOf('k')).scopes, null)
})

test('a rotated key is found by both secrets, by the old one with an end, and after the next change by what that says', () => {
  const threads = new Threads()
  const { table } = threads
  const old = keyOf('k')
  threads.change(old)
  assert.equal(table.find('secret-of-k')?.expiresAt, Number.POSITIVE_INFINITY)
  const rotated = { ...old, hash: hashKeyWithPepper('new', PEPPER), previous: { hash: old.hash, untilMs: 5_000 } }
  threads.change(rotated)
  for (let round = 0; round < 2; round++) {
    assert.equal(table.find('new')?.expiresAt, Number.POSITIVE_INFINITY)
    assert.equal(table.find('secret-of-k')?.expiresAt, 5_000)
  }
  threads.change({ ...rotated, expiresAt: 4_000 })
  assert.deepEqual([table.find('new')?.expiresAt, table.find('secret-of-k')?.expiresAt], [4_000, 4_000])
  threads.change({ ...rotated, enabled: false })
  assert.deepEqual([table.find('new')?.enabled, table.find('secret-of-k')?.enabled], [false, false])
  threads.change({ ...rotated, hash: hashKey('third'), previous: null })
  assert.deepEqual([table.find('new'), table.find('secret-of-k')], [null, null])
  assert.equal(table.find('third')?.id, 'k')
  threads.remove(rotated)
  assert.equal(table.find('third'), null)
})
