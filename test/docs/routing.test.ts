import assert from 'node:assert/strict'
import { test } from 'node:test'
import { canonicalPath, type SegmentRule } from '../../src/core/match/canonical-path.ts'
import type { RouteRequest } from '../../src/core/match/route-request.ts'
import { compileRouteTable, type RouteOutcome, type RouteTable } from '../../src/core/match/route-table.ts'
import { codesIn, readPage, tableRows } from './pages.ts'

const page = readPage('docs/routing.md')
const examples = page.blocks.filter(({ language }) => language === 'json')

/** `GET example.com/path?query` and what comes with it: header lines, or `from <address>`. */
function requestOf([line = '', ...more]: readonly string[]): RouteRequest {
  const [, method = '', host = '', path = '', query = ''] = /^(\w+) ([^/]+)([^?]*)\??(.*)$/.exec(line) ?? []
  const headers = more.filter((each) => !each.startsWith('from ')).map((each) => each.split(': '))
  const clientAddress = more.find((each) => each.startsWith('from '))?.slice(5) ?? '192.0.2.1'
  const canonical = canonicalPath(path, { segments: 'refuse', encodedSlash: 'allow' })
  assert.ok(typeof canonical === 'string', path)
  return {
    ...{ listener: 'public', host, method, query, clientAddress, path: canonical },
    names: headers.map(([name = '']) => name),
    values: headers.map(([, value = '']) => value),
  }
}

function shown(outcome: RouteOutcome<null>): string {
  switch (outcome.type) {
    case 'route':
      return outcome.id
    case 'method_not_allowed':
      return `405 ${outcome.allow}`
    case 'refused':
      return '400'
    case 'none':
      return '404'
  }
}

/** The rows of the first table behind a block of rules. */
function rowsBehind(text: string): readonly (readonly string[])[] {
  const [, behind = ''] = page.text.split(`${text}\n\`\`\`\n`)
  const table = /^\| request [\s\S]*?\n(?=\n)/m.exec(`${behind}\n\n`)?.[0] ?? ''
  return tableRows({ ...page, text: table })
}

async function tableOf(text: string): Promise<RouteTable<null>> {
  const rules: unknown = JSON.parse(text)
  assert.ok(Array.isArray(rules))
  const compiled = await compileRouteTable<null>(rules.map((rule) => ({ ...rule, route: null })))
  assert.ok(compiled.ok, JSON.stringify(compiled))
  return compiled.table
}

for (const { text, place } of examples) {
  test(`${place}: every request of the table goes where the page says`, async () => {
    const table = await tableOf(text)
    const rows = rowsBehind(text)
    assert.ok(rows.length >= 4, `${rows.length} rows`)
    for (const [request = '', route = ''] of rows) {
      assert.equal(shown(table.find(requestOf(codesIn(request)))), codesIn(route)[0], request)
    }
  })
}

test('every rule of the examples serves a request of its table', () => {
  for (const { text, place } of examples) {
    const rules: { id: string }[] = JSON.parse(text)
    const routes = rowsBehind(text).map(([, route = '']) => codesIn(route)[0])
    for (const { id } of rules) assert.ok(routes.includes(id), `${place}: ${id}`)
  }
})

test('every path comes to the form that the page says', () => {
  const rows = tableRows(page, '## One path').filter(([sent = '']) => sent.startsWith('`/'))
  assert.ok(rows.length >= 14)
  for (const [sent = '', ...forms] of rows) {
    for (const [at, segments] of (['refuse', 'normalise'] satisfies SegmentRule[]).entries()) {
      const canonical = canonicalPath(codesIn(sent)[0] ?? '', { segments, encodedSlash: 'refuse' })
      assert.equal(typeof canonical === 'string' ? `\`${canonical}\`` : '400', forms[at], `${sent}, ${segments}`)
    }
  }
})
