import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { chromium } from 'playwright-core'
import { parseConfig } from '../../src/config/index.ts'
import { eventually } from '../harness/eventually.ts'
import { findServer, freePort, serverSuite } from '../servers/servers.ts'
import { ROOT, readPage } from './pages.ts'
import { ShellSession } from './shell-session.ts'

const page = readPage('docs/http-gateway.md')
const CONFIG = 'config/examples/web.yaml'
const commands = page.blocks.filter(({ language }) => language === 'sh')
const isMissing = spawnSync('bash', ['-c', 'command -v curl']).status !== 0
const skip = isMissing && process.env['CI'] !== 'true' ? 'needs bash and curl' : false

/** Ports of the page, and those that stand for them here. */
const ports = new Map<string, string>()
const folder = mkdtempSync(join(tmpdir(), 'ferro-web-'))
const config = join(folder, 'web.yaml')
let session: ShellSession | null = null

/** A text of the page with what is different here. */
function here(text: string): string {
  return text.replaceAll(/\b(?:8080|8081|3001|3002)\b/g, (port) => ports.get(port) ?? port).replaceAll(CONFIG, config)
}

function running(): ShellSession {
  assert.ok(session !== null, 'the session is started by a hook')
  return session
}

async function answers(url: string): Promise<boolean> {
  const answer = await fetch(here(url)).catch(() => null)
  await answer?.arrayBuffer()
  return answer?.ok === true
}

before(async () => {
  if (skip !== false) return
  const free = await Promise.all([freePort(), freePort(), freePort(), freePort()])
  // In the order of those of the page: metrics are sorted by them.
  free.sort((a, b) => a - b)
  for (const [at, port] of ['3001', '3002', '8080', '8081'].entries()) ports.set(port, String(free[at]))
  writeFileSync(config, `data_dir: ${join(folder, 'data')}\n${here(readFileSync(join(ROOT, CONFIG), 'utf8'))}`)
  session = new ShellSession(join(folder, 'log'))
  await session.run(here(commands[0]?.text ?? ''))
  for (const url of ['http://127.0.0.1:8081/readyz', 'http://127.0.0.1:3001/health', 'http://127.0.0.1:3002/health']) {
    await eventually(() => answers(url), { deadlineMs: 30_000, what: url })
  }
})
after(async () => {
  await session?.close()
  rmSync(folder, { recursive: true, force: true })
})

test('the routes and pools of the page are those of the example', async () => {
  const parse = async (text: string) => {
    const result = await parseConfig(text, { path: 'ferro.yaml' })
    assert.ok(result.ok, result.ok ? '' : JSON.stringify(result.errors))
    assert.deepEqual(result.warnings, [])
    return result.document
  }
  const example = await parse(readFileSync(join(ROOT, CONFIG), 'utf8'))
  for (const { text, place } of page.blocks.filter(({ language }) => language === 'yaml')) {
    for (const route of (await parse(text)).routes) {
      assert.deepEqual(
        route,
        example.routes.find(({ id }) => id === route.id),
        place,
      )
    }
  }
})

for (const block of commands.slice(1)) {
  const output = page.blocks.find((each) => each.before === block && each.language === 'text')
  test(`${block.place}: the commands work${output === undefined ? '' : ', and print what the page shows'}`, {
    skip,
  }, async () => {
    const text = here(block.text)
    const printed = await running().run(text)
    if (output === undefined) return
    const shown = here(output.text).trim()
    if (printed === shown || /^kill/m.test(text)) return assert.equal(printed, shown)
    // A reader looks again: checks of health take a moment to notice a server that is back.
    let last = printed
    for (const endMs = performance.now() + 10_000; last !== shown && performance.now() < endMs; ) {
      last = await running().run(text)
    }
    assert.equal(last, shown)
  })
}

serverSuite('chromium', 'the page in a browser', () => {
  test('shows what the API says, counts events, and hears its echo', { skip }, async (t) => {
    const executablePath = findServer('chromium')
    assert.ok(executablePath !== null)
    // Its own sandbox needs privileges that containers do not give; the page is ours.
    const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] })
    t.after(() => browser.close())
    const tab = await browser.newPage()
    const problems: string[] = []
    tab.on('console', (message) => {
      if (message.type() === 'error') problems.push(message.text())
    })
    tab.on('pageerror', (error) => problems.push(error.message))
    await tab.goto(here('http://127.0.0.1:8080/home'))
    assert.equal(tab.url(), here('http://127.0.0.1:8080/'))
    const text = async (id: string) => (await tab.textContent(`#${id}`)) ?? ''
    await eventually(async () => /^hello browser, from server \d+$/.test(await text('api')))
    await eventually(async () => (await text('echo')) === 'echo this')
    await eventually(async () => Number((await text('events')).replace('event ', '')) >= 3, { deadlineMs: 10_000 })
    assert.deepEqual(problems, [])
  })
})
