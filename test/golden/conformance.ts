import type { CorpusFile } from './corpus.ts'
import type { AnswerResult, RequestResult } from './translate.ts'

const INTRODUCTION = `# Conformance

What becomes of each feature between every pair of dialects, as the tests find it (\`npm run golden\` writes this page; do not edit
it). Requests, whole answers and streams stand apart: what a request loses says nothing of its answer.

- **exact**: it arrives as it was meant, spelt as the other dialect spells it.
- **adapted**: it arrives with the same meaning in another form; behind the word stands of what, as the header
  \`x-ferro-translation\` names it.
- **lossy**: some of it does not arrive; behind the word stands what. \`on_loss: reject\` refuses such requests.
- **refused**: status 400 with the reason, since leaving it out would change what is asked for.

Where both sides speak the same dialect, requests and answers are relayed byte for byte; these cells show what a
translation within the dialect would do. That nothing is lost without being named is held by \`test/losses\`, for every member of requests
and of answers.

Each row ends with the name of its tests in \`test/golden/golden.test.ts\`, one for each cell; in it stands the cell's column for
\`<upstream>\` or \`<client>\`. What is sent and what arrives is held in \`test/golden/requests\` and \`test/golden/answers\`.
`

/** docs/conformance.md, from what the corpus gives. */
export function conformancePage(
  requests: readonly CorpusFile<RequestResult>[],
  answers: readonly CorpusFile<AnswerResult>[],
): string {
  const asked = (result: RequestResult) => ('refused' in result ? '**refused**' : cellOf(result.translation))
  return [
    INTRODUCTION,
    '## Requests: from a client’s dialect (heading) to an upstream’s (column)\n',
    tables(requests, asked, (from, feature) => requestTest(from, feature, '<upstream>')),
    '## Whole answers: from an upstream’s dialect (heading) to a client’s (column)\n',
    tables(
      answers,
      ({ translation }) => cellOf(translation),
      (from, feature) => answerTest(from, feature, '<client>'),
    ),
    '## Streamed answers: from an upstream’s dialect (heading) to a client’s (column)\n',
    tables(
      answers,
      ({ streamed }) => cellOf(streamed),
      (from, feature) => answerTest(from, feature, '<client>'),
    ),
  ].join('\n')
}

export function requestTest(client: string, feature: string, upstream: string): string {
  return `a request of ${client} with ${feature} reaches ${upstream} as it is held here`
}

export function answerTest(upstream: string, feature: string, client: string): string {
  return `an answer of ${upstream} with ${feature} reaches clients of ${client} as it is held here`
}

type NameOfTest = (from: string, feature: string) => string

function tables<Result>(
  files: readonly CorpusFile<Result>[],
  cell: (result: Result) => string,
  test: NameOfTest,
): string {
  return [...Map.groupBy(files, ({ from }) => from)].map(([from, rows]) => table(from, rows, cell, test)).join('\n')
}

function table<Result>(
  from: string,
  rows: readonly CorpusFile<Result>[],
  cell: (result: Result) => string,
  test: NameOfTest,
): string {
  const columns = [...new Set(rows.flatMap(({ actual }) => Object.keys(actual)))]
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  const lines = rows.map(({ feature, actual }) => {
    const cells = columns.map((column) => {
      const result = actual[column]
      return result === undefined ? '' : cell(result)
    })
    return line([feature, ...cells, test(from, feature)])
  })
  return [
    `### ${from}\n`,
    line(['feature', ...columns, 'test']),
    line(['---', ...columns.map(() => '---'), '---']),
    ...lines,
    '',
  ].join('\n')
}

/** The worst of a report, and of what: `**lossy** messages[].name`. */
function cellOf(header: string): string {
  const [word = header, ...lists] = header.split('; ')
  if (word === 'exact') return word
  const worst = lists.find((list) => list.startsWith(word === 'lossy' ? 'dropped=' : 'adapted=')) ?? ''
  const names = worst.slice(worst.indexOf('=') + 1).split(',')
  return `**${word}** ${names.map((name) => `\`${name}\``).join(', ')}`
}
