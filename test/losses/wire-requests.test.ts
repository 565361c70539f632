/*
 * Nothing of a request is lost without a word: a member that nobody knows, in each of the objects that clients send, is in what the
 * upstream gets, or in the report, or refuses the request; for each dialect of clients and each of upstreams.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { DialectName } from '../../src/ai/dialects/name.ts'
import { CLIENT_DIALECTS, UPSTREAM_DIALECTS } from '../../src/ai/dialects/testing/all-dialects.ts'
import { UNKNOWN } from '../../src/ai/models/capabilities.ts'
import { translateRequest } from '../../src/ai/translate/translation.ts'
import { GatewayError } from '../../src/core/index.ts'
import { requestFiles } from '../golden/corpus.ts'
import type { RequestCase } from '../golden/translate.ts'
import { FULL_REQUESTS } from './full-requests.ts'
import { CLIENTS, type Model, modelsOf, type Outcome, UPSTREAMS } from './outcome.ts'
import { isArrived, isReported } from './reported.ts'
import { marksOf, type Path, type WireMark, withAt } from './wire.ts'

/** What is in there is no vendor's: a schema of the client's, what a model wrote, what a tool answered, labels. */
const WRITTEN: ReadonlySet<unknown> = new Set([
  'input_schema',
  'parameters',
  'parametersJsonSchema',
  'parametersSchema',
  'response',
  'schema',
  'responseSchema',
  'responseJsonSchema',
  'arguments',
  'args',
  'logit_bias',
  'metadata',
  'labels',
])
/** Inputs of calls; the whole conversation of a Responses client is called so as well. */
const INPUT = 'input'

function isLeaf(path: Path): boolean {
  return WRITTEN.has(path.at(-1)) || (path.length > 1 && path.at(-1) === INPUT)
}

interface Asked {
  readonly feature: string
  readonly input: RequestCase
}

/** The requests of a dialect, each with the marks that none before it has. */
function* marked(client: DialectName): Generator<Asked & { readonly mark: WireMark }> {
  const seen = new Set<string>()
  const files = requestFiles().filter(({ from }) => from === client)
  const asked = files.flatMap(({ feature, input }): Asked[] => (input === null ? [] : [{ feature, input }]))
  for (const { feature, input } of [...asked, ...(FULL_REQUESTS[client] ?? [])]) {
    for (const mark of marksOf(input.request, isLeaf)) {
      const key = `${mark.name} ${[...mark.within].sort().join()}`
      if (mark.kind !== 'unknown' || seen.has(key)) continue
      seen.add(key)
      yield { feature, input, mark }
    }
  }
}

function outcome(client: DialectName, upstream: DialectName, model: Model, input: RequestCase): Outcome | null {
  const speaking = CLIENT_DIALECTS[client]
  const dialect = UPSTREAM_DIALECTS[upstream]
  if (speaking === undefined || dialect === undefined) throw new Error(`${client} to ${upstream}`)
  const { request, path = null, headers } = input
  const translation = translateRequest(
    speaking,
    Buffer.from(JSON.stringify(request)),
    { path, header: (name) => headers?.[name] ?? null },
    {
      dialect,
      model: model.name,
      habits: undefined,
      capabilities: { ...UNKNOWN, family: model.family },
      onUnsupported: 'warn',
      onLoss: 'allow',
      patch: null,
    },
  )
  if (translation instanceof GatewayError) return null
  const { losses, body } = translation
  return { body: body.toString('utf8'), dropped: losses.dropped, adapted: losses.adapted }
}

/** Whether the member of the body that it stands in is reported as a whole. */
function isWholeTold({ name }: WireMark, { dropped }: Outcome): boolean {
  return dropped.includes(name.split(/[.[]/)[0] ?? '')
}

let tried = 0

for (const client of CLIENTS) {
  const cases = [...marked(client)]
  for (const upstream of UPSTREAMS) {
    test(`an unknown member of a request of ${client} is never lost unseen on its way to ${upstream}`, () => {
      const lost = new Set<string>()
      for (const model of modelsOf(upstream)) {
        for (const { feature, input, mark } of cases) {
          if (outcome(client, upstream, model, input) === null) continue
          const request = withAt(input.request, mark.places, mark.value) as RequestCase['request'] // a copy of one
          const sent = outcome(client, upstream, model, { ...input, request })
          tried++
          if (sent === null || isArrived(sent.body) || isReported(mark, sent) || isWholeTold(mark, sent)) continue
          lost.add(`${feature}: ${mark.name} (${model.family}), told: ${sent.dropped.join()} ${sent.adapted.join()}`)
        }
      }
      assert.deepEqual([...lost], [])
    })
  }
}

test('every dialect of clients has objects to look into', () => {
  assert.ok(CLIENTS.every((client) => [...marked(client)].length >= (client === 'openai-completions' ? 1 : 20)))
  assert.ok(tried > 3_000, `${tried}`)
})
