import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { test } from 'node:test'
import { type Page, ROOT, readPages } from './pages.ts'

const pages = readPages()

function deadLinks(page: Page): string[] {
  return page.links
    .filter((link) => !/^(?:https?:|mailto:)/.test(link))
    .filter((link) => {
      const [file = '', anchor] = link.split('#')
      const path = file === '' ? page.path : relative(ROOT, join(ROOT, dirname(page.path), file))
      if (!existsSync(join(ROOT, path))) return true
      if (anchor === undefined) return false
      return pages.find((other) => other.path === path)?.anchors.has(anchor) !== true
    })
    .map((link) => `${page.path}: ${link}`)
}

test('no link between pages is dead, and no anchor', () => {
  assert.deepEqual(
    pages.flatMap((page) => deadLinks(page)),
    [],
  )
})

test('every page of the documentation is reached from the README', () => {
  const reached = new Set(['README.md'])
  for (const path of reached) {
    for (const link of pages.find((page) => page.path === path)?.links ?? []) {
      const target = relative(ROOT, join(ROOT, dirname(path), link.split('#')[0] ?? ''))
      if (target.endsWith('.md')) reached.add(target)
    }
  }
  const lost = pages.filter(({ path }) => !reached.has(path) && !path.startsWith('docs/decisions/'))
  assert.deepEqual(
    lost.map(({ path }) => path),
    [],
  )
})
