import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { ACCESS_PLACEHOLDERS, parseConfig } from '../../src/config/index.ts'
import { eventually } from '../harness/eventually.ts'
import { Gateway } from '../harness/gateway.ts'

/** Lines as a gateway writes them: one per format, the same requests to each. */
const formats = {
  combined: 'combined',
  template: {
    template: `${ACCESS_PLACEHOLDERS.map((name) => `${name}={${name}}`).join(' ')} agent="{header.user-agent}"`,
  },
} as const
const gateways = new Map<string, Gateway>()

before(async () => {
  for (const [name, format] of Object.entries(formats)) {
    const config = {
      listen: '127.0.0.1:0',
      control: { listen: '127.0.0.1:0' },
      workers: 1,
      log: { access: { output: 'stdout', format } },
      routes: [{ id: 'hello', match: { path: '/*' }, respond: { body: 'hello' } }],
    }
    gateways.set(name, await Gateway.start({ config }))
  }
})
after(async () => {
  for (const gateway of gateways.values()) await gateway.close()
})

/** The line that a request leaves. */
async function lineOf(
  format: keyof typeof formats,
  path: string,
  headers: Record<string, string> = {},
): Promise<string> {
  const gateway = gateways.get(format)
  assert.ok(gateway)
  const mark = `mark${Math.floor(performance.now() * 1e6)}`
  const answer = await fetch(`${gateway.url}/${mark}${path}`, { headers })
  await answer.text()
  const line = await eventually(() => gateway.stdout.text.split('\n').find((each) => each.includes(mark)) ?? null)
  return line.replaceAll(mark, 'mark')
}

const COMBINED =
  /^127\.0\.0\.1 - - \[(\d{2}\/[A-Z][a-z]{2}\/\d{4}:\d{2}:\d{2}:\d{2} \+0000)\] "GET (\S+) HTTP\/1\.1" 200 5 "([^"]*)" "([^"]*)"$/

test('combined is the line that tools for Apache and nginx read', async () => {
  const line = await lineOf('combined', '/a?b=c', { referer: 'http://page.test/x?d=e', 'user-agent': 'curl/8.1' })
  const [, time = '', uri, referer, agent] = COMBINED.exec(line) ?? assert.fail(line)
  assert.deepEqual([uri, referer, agent], ['/mark/a?b=c', 'http://page.test/x?d=e', 'curl/8.1'])
  const then = Date.parse(time.replace(':', ' ').replaceAll('/', ' '))
  assert.ok(Math.abs(Date.now() - then) < 60_000, time)
})

test('no client forges a line, nor ends the quotes around a value', async () => {
  const line = await lineOf('combined', '/', { 'user-agent': 'a" 200 "\\ \u00e9' })
  assert.equal(COMBINED.exec(line)?.[4], 'a\\x22 200 \\x22\\x5C \\xC3\\xA9')
})

test('secrets of a query are in no line, by their name or by their look, nor those of a referer', async () => {
  const secret = `sk-${'a1'.repeat(20)}`
  const query = `?token=geheim1&a=${secret}&api%5Fkey=geheim2&b=shown`
  const line = await lineOf('combined', `/${query}`, { referer: `http://x.test/${query}` })
  assert.doesNotMatch(line, /geheim|a1a1/)
  assert.match(line, /b=shown.*b=shown/)
})

test('a template has every placeholder, and a dash for what is missing', async () => {
  const line = await lineOf('template', '/a?b=c', { 'user-agent': 'me', 'x-request-id': 'mine' })
  const fields = new Map([...line.matchAll(/(\w+)=("[^"]*"|\S+)/g)].map(([, name = '', value = '']) => [name, value]))
  assert.deepEqual(
    ['route', 'status', 'uri', 'protocol', 'client_request_id', 'error_code', 'agent', 'upstream'].map((name) =>
      fields.get(name),
    ),
    ['hello', '200', '/mark/a?b=c', 'HTTP/1.1', 'mine', '-', '"me"', '-'],
  )
  assert.match(fields.get('total_ms') ?? '', /^\d+\.\d{3}$/)
  for (const name of ACCESS_PLACEHOLDERS) assert.ok(fields.has(name), name)
})

test('a placeholder that there is none of, or that would show a credential, is a mistake of the configuration', async () => {
  for (const [template, message] of [
    ['{statsu}', 'there is no placeholder {statsu}'],
    ['{header.authorization}', 'holds a secret'],
    ['{status.x}', 'there is no placeholder {status.x}'],
  ] as const) {
    const text = JSON.stringify({ log: { access: { format: { template } } } })
    const result = await parseConfig(text, { path: 'ferro.json' })
    assert.ok(!result.ok)
    assert.ok(JSON.stringify(result.errors).includes(message), JSON.stringify(result.errors))
  }
})

test('every placeholder is documented', () => {
  const page = readFileSync(new URL('../../docs/records-and-logs.md', import.meta.url), 'utf8')
  for (const name of ACCESS_PLACEHOLDERS) assert.ok(page.includes(`\`{${name}}\``), name)
})
