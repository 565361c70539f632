import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { DialectName } from '../../src/ai/dialects/name.ts'
import { CLIENT_DIALECTS } from '../../src/ai/dialects/testing/all-dialects.ts'
import { parseExact } from '../../src/ai/ir/json.ts'
import { type AnswerResult, answerTo, objectOf, type RequestCase, type RequestResult, requestTo } from './translate.ts'
import { UPSTREAMS } from './upstreams.ts'

const ROOT = fileURLToPath(new URL('.', import.meta.url))

/** One file of the corpus: what goes in, and what comes out for each dialect on the other side. */
export interface CorpusFile<Result> {
  /** Path below test/golden. */
  readonly file: string
  readonly kind: 'request' | 'answer'
  readonly from: DialectName
  readonly feature: string
  /** Kept in the file as a person wrote it; null for answers, which stand in the mocks. */
  readonly input: RequestCase | null
  readonly actual: Readonly<Record<string, Result>>
  readonly expected: Readonly<Record<string, Result>>
}

const CLIENTS = Object.keys(CLIENT_DIALECTS) as DialectName[] // keys of the table
const UPSTREAM_NAMES = Object.keys(UPSTREAMS) as DialectName[] // as above

/** Requests of every client dialect, to every upstream dialect. */
export function requestFiles(): CorpusFile<RequestResult>[] {
  return CLIENTS.flatMap((client) => {
    const folder = `requests/${client}`
    if (!existsSync(ROOT + folder)) return []
    return readdirSync(ROOT + folder)
      .sort()
      .map((name) => {
        const file = `${folder}/${name}`
        const held = readFile(file)
        const input = inputOf(held)
        const actual = Object.fromEntries(
          UPSTREAM_NAMES.map((upstream) => [upstream, requestTo(client, upstream, input)]),
        )
        const expected = (held['expected'] ?? {}) as Record<string, RequestResult> // written by `update`
        return { file, kind: 'request', from: client, feature: name.replace('.json', ''), input, actual, expected }
      })
  })
}

/** Answers of every upstream dialect, to every client dialect. */
export function answerFiles(): CorpusFile<AnswerResult>[] {
  const asking = CLIENTS.filter((client) => existsSync(`${ROOT}asking/${client}.json`)).map((client) => {
    return [client, inputOf(readFile(`asking/${client}.json`))] as const
  })
  return UPSTREAM_NAMES.flatMap((upstream) =>
    Object.entries(UPSTREAMS[upstream]?.answers ?? {}).map(([feature, answer]) => {
      const file = `answers/${upstream}/${feature}.json`
      const actual = Object.fromEntries(
        asking.map(([client, request]) => [
          client,
          answerTo(client, upstream, taken(client, upstream, request), answer),
        ]),
      )
      const expected = existsSync(ROOT + file)
        ? ((readFile(file)['expected'] ?? {}) as Record<string, AnswerResult>)
        : {} // as above
      return { file, kind: 'answer', from: upstream, feature, input: null, actual, expected }
    }),
  )
}

/** The request that an answer belongs to; for an upstream that does not take all that may be asked, the plain one. */
function taken(client: DialectName, upstream: DialectName, request: RequestCase): RequestCase {
  const isTaken = !('refused' in requestTo(client, upstream, request))
  return isTaken ? request : inputOf(readFile(`requests/${client}/plain.json`))
}

/** Writes what comes out now into the files: a person reads the difference before it is committed. */
export function update(files: readonly CorpusFile<unknown>[]): void {
  for (const { file, input, actual } of files) {
    mkdirSync(ROOT + file.slice(0, file.lastIndexOf('/')), { recursive: true })
    writeFileSync(ROOT + file, `${JSON.stringify({ ...input, expected: actual }, null, 2)}\n`)
  }
}

function readFile(file: string): Readonly<Record<string, unknown>> {
  return objectOf(parseExact(readFileSync(ROOT + file, 'utf8')))
}

function inputOf(held: Readonly<Record<string, unknown>>): RequestCase {
  const path = held['path'] as RequestCase['path'] // a case is written by a person, and read by these tests only
  const headers = held['headers'] as RequestCase['headers'] // as above
  return { request: objectOf(held['request']), ...(path !== undefined && { path }), ...(headers && { headers }) }
}
