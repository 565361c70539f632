import assert from 'node:assert/strict'
import { afterEach, test } from 'node:test'
import { eventually } from '../harness/eventually.ts'
import { parseJson } from '../harness/json.ts'
import { readLedger } from '../harness/ledger-snapshot.ts'
import { CLIENT_FORMS, type ClientForm, eventsIn } from './client-dialects.ts'
import { useDialectHouse } from './dialect-house.ts'
import { VENDORS } from './vendors/index.ts'
import { VENDOR_KEY } from './vendors/vendor.ts'

// Each model fails whenever it is asked, by every client: nobody is to be spared here.
const house = useDialectHouse({ routing: { breaker: { consecutive_failures: 0, failure_share: 0 } } })
afterEach(() => house().assertBooks())

/** The upstream did nothing for the request, and says so at once. */
const REFUSED = ['wrong-type', 'html', 'html-502', 'error-200', 'error-first', 'broken-500']
/** Faults that show before anything could be told to the client. */
const BEFORE = [...REFUSED, 'empty']
/** Faults in the middle: of a whole answer an error, of a stream an error after what came before. */
const WITHIN = ['bad-json', 'cut-whole', 'reset', 'error-event']

async function ask(form: ClientForm, model: string, stream: boolean) {
  const { gateway, key } = house()
  const answer = await fetch(`${gateway.url}${form.path(model, stream)}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key.secret}`, 'content-type': 'application/json' },
    body: JSON.stringify(form.body(model, stream)),
  })
  return { status: answer.status, id: answer.headers.get('x-ferro-request-id') ?? '', text: await answer.text() }
}

/** What the ledger says of these requests, when all are settled. */
async function booked(asked: ReadonlyMap<string, string>): Promise<void> {
  await eventually(
    () => {
      const { requests, ledger } = readLedger(house().gateway.databasePath)
      const settled = new Set(ledger.filter(({ phase }) => phase !== 'reserve').map(({ requestId }) => requestId))
      if ([...asked.keys()].some((id) => !settled.has(id))) return null
      for (const { id, outcome, tokens, usageSource } of requests) {
        const fault = asked.get(id)
        if (fault === undefined) continue
        assert.notEqual(outcome, 'success', fault)
        if (REFUSED.includes(fault)) assert.deepEqual([tokens, usageSource], [0, 'none'], fault)
        const phases = ledger.filter(({ requestId }) => requestId === id).map(({ phase }) => phase)
        // What nobody has seen any of is asked for once more; each attempt has its own two rows.
        const reserves = phases.filter((phase) => phase === 'reserve').length
        assert.ok(reserves === 1 || reserves === 2, `${fault}: ${reserves} attempts`)
        assert.equal(phases.length, 2 * reserves, `${fault}: ${phases.join(' ')}`)
      }
      return true
    },
    { what: 'the ledger' },
  )
}

for (const [name, form] of Object.entries(CLIENT_FORMS)) {
  for (const { name: upstream } of VENDORS) {
    test(`${name} before ${upstream}: a broken answer is an error of this dialect, and a refusal costs nothing`, async () => {
      const asked = new Map<string, string>()
      const check = async (fault: string) => {
        const what = `${fault} of a whole answer`
        const { status, id, text } = await ask(form, house().model(upstream, fault), false)
        assert.ok(status >= 500, `${what}: ${status} ${text}`)
        const told = form.error(parseJson(text))
        assert.ok(told !== null, `${what}: ${text}`)
        assert.ok(told.message !== '' && !text.includes('<html') && !text.includes(VENDOR_KEY), `${what}: ${text}`)
        asked.set(id, fault)
      }
      // Each is a model of its own: they know nothing of each other.
      await Promise.all([...BEFORE, ...WITHIN].map(check))
      await booked(asked)
    })

    test(`${name} before ${upstream}: a stream that breaks ends with an error of this dialect, charged once an attempt`, async () => {
      const asked = new Map<string, string>()
      const check = async (fault: string) => {
        const what = `${fault} of a stream`
        const { status, id, text } = await ask(form, house().model(upstream, fault), true)
        const events = eventsIn(text)
        assert.ok(!events.some(form.ends), `${what} ended as if it were whole: ${text}`)
        if (status === 200) {
          assert.ok(!BEFORE.includes(fault), `${what} began: ${text}`)
          const told = events.map(form.streamError).filter((error) => error !== null)
          assert.equal(told.length, 1, `${what}: ${text}`)
        } else {
          assert.ok(status >= 500, `${what}: ${status} ${text}`)
          assert.ok(form.error(parseJson(text)) !== null, `${what}: ${text}`)
        }
        asked.set(id, fault)
      }
      await Promise.all([...BEFORE, ...WITHIN].map(check))
      await booked(asked)
    })
  }
}
