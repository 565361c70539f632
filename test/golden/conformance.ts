import type { CorpusFile } from './corpus.ts'
import type { AnswerResult, RequestResult } from './translate.ts'

const INTRODUCTION = `# Conformance

What becomes of each feature between every pair of dialects, as the tests find it (\`npm run golden\` writes this page; do not edit
it). A cell is the worst that the tests see:

- **exact**: it arrives as it was meant, spelt as the other dialect spells it.
- **adapted**: it arrives with the same meaning in another form; the answer's header \`x-ferro-translation\` says what.
- **lossy**: some of it does not arrive; the header names it. \`on_loss: reject\` refuses such requests.
- **refused**: status 400 with the reason, since leaving it out would change what is asked for.

Where both sides speak the same dialect, requests and answers are relayed byte for byte; these cells show what a
translation within the dialect would do.
`

/** docs/conformance.md, from what the corpus gives. */
export function conformancePage(
  requests: readonly CorpusFile<RequestResult>[],
  answers: readonly CorpusFile<AnswerResult>[],
): string {
  const asked = tables(requests, (result) => ('refused' in result ? 'refused' : fidelityOf(result.translation)))
  const answered = tables(answers, (result) => fidelityOf(result.translation))
  const named = (kind: string) =>
    `Each cell is the test "${kind}" in \`test/golden/golden.test.ts\`, held in \`test/golden/${kind === REQUEST ? 'requests' : 'answers'}\`.`
  return [
    INTRODUCTION,
    '## Requests: from a client’s dialect (heading) to an upstream’s (column)\n',
    `${named(REQUEST)}\n`,
    asked,
    '## Answers, whole and streamed: from an upstream’s dialect (heading) to a client’s (column)\n',
    `${named(ANSWER)}\n`,
    answered,
  ].join('\n')
}

const REQUEST = 'a request of <client> with <feature> reaches <upstream> as it is held here'
const ANSWER = 'an answer of <upstream> with <feature> reaches clients of <client> as it is held here'

function tables<Result>(files: readonly CorpusFile<Result>[], cell: (result: Result) => string): string {
  return [...Map.groupBy(files, ({ from }) => from)].map(([from, rows]) => table(from, rows, cell)).join('\n')
}

function table<Result>(from: string, rows: readonly CorpusFile<Result>[], cell: (result: Result) => string): string {
  const columns = [...new Set(rows.flatMap(({ actual }) => Object.keys(actual)))]
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  const lines = rows.map(({ feature, actual }) => {
    const cells = columns.map((column) => {
      const result = actual[column]
      return result === undefined ? '' : cell(result)
    })
    return line([feature, ...cells])
  })
  return [
    `### ${from}\n`,
    line(['feature', ...columns]),
    line(['---', ...columns.map(() => '---')]),
    ...lines,
    '',
  ].join('\n')
}

function fidelityOf(header: string): string {
  return header.split(';')[0] ?? header
}
