import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseConfig, type RouteConfig } from '../../src/config/index.ts'
import { canonicalPath } from '../../src/core/match/canonical-path.ts'
import type { RouteRequest } from '../../src/core/match/route-request.ts'
import { compileRouteTable, type RouteOutcome, type RouteTable } from '../../src/core/match/route-table.ts'
import { ruleOf } from '../../src/core/routes/match-rule.ts'
import { codesIn, readPage, tableRows } from './pages.ts'

const page = readPage('docs/routing.md')
/** Blocks with a table of requests behind them. */
const examples = page.blocks.filter(({ language, text }) => language === 'yaml' && rowsBehind(text).length > 0)

/** `GET example.com/path?query` and what comes with it: header lines, or `from <address>`. */
function requestOf([line = '', ...more]: readonly string[]): RouteRequest {
  const [, method = '', host = '', path = '', query = ''] = /^(\w+) ([^/]+)([^?]*)\??(.*)$/.exec(line) ?? []
  const headers = more.filter((each) => !each.startsWith('from ')).map((each) => each.split(': '))
  const clientAddress = more.find((each) => each.startsWith('from '))?.slice(5) ?? '192.0.2.1'
  const canonical = canonicalPath(path, { segments: 'refuse', encodedSlash: 'allow', marks: 'allow' })
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
  const table = /^\| request [\s\S]*?\n(?=\n)/m.exec(`${behind.split('```')[0]}\n\n`)?.[0] ?? ''
  return tableRows({ ...page, text: table })
}

async function routesOf(text: string): Promise<readonly RouteConfig[]> {
  const result = await parseConfig(text, { path: 'ferro.yaml' })
  assert.ok(result.ok, JSON.stringify(result))
  return result.document.routes
}

async function tableOf(text: string): Promise<RouteTable<null>> {
  const routes = await routesOf(text)
  const compiled = await compileRouteTable<null>(routes.map((route) => ruleOf(route, null)))
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

test('every rule of the examples serves a request of its table', async () => {
  assert.ok(examples.length >= 5)
  for (const { text, place } of examples) {
    const found = rowsBehind(text).map(([, route = '']) => codesIn(route)[0])
    for (const { id } of await routesOf(text)) assert.ok(found.includes(id), `${place}: ${id}`)
  }
})

test('every path comes to the form that the page says', () => {
  const rows = tableRows(page, '## One path').filter(([sent = '']) => sent.startsWith('`/'))
  assert.ok(rows.length >= 14)
  for (const [sent = '', form] of rows) {
    const canonical = canonicalPath(codesIn(sent)[0] ?? '', { segments: 'refuse', encodedSlash: 'refuse' })
    assert.equal(typeof canonical === 'string' ? `\`${canonical}\`` : '400', form, sent)
  }
})
