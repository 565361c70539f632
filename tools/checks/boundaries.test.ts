import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkBoundaries } from './boundaries.ts'

const PARAGRAPH = `/*\n * ${'What it is, what it is not, where to start reading. '.repeat(2)}\n */\n`

const breaches = (files: Readonly<Record<string, string>>) =>
  checkBoundaries(Object.entries(files).map(([file, text]) => ({ file, text }))).map(
    ({ file, line, what }) => `${file}:${line} ${what}`,
  )

test('lets a module import modules to its right through their index, and its own files', () => {
  assert.deepEqual(
    breaches({
      'src/core/handle.ts': `import { ring } from '../lib/index.ts'\nimport { phases } from './phases.ts'\n`,
      'src/core/phases.ts': `import { createServer } from 'node:http'\n`,
      'src/core/connect/socket.ts': `import { connect } from 'node:tls'\nimport { lookup } from 'node:dns'\n`,
      'src/core/listen/socket.ts': `import { createServer, type Socket, type connect } from 'node:net'\n`,
      'src/core/types.ts': `import type { Agent, request } from 'node:http'\nimport { STATUS_CODES } from 'node:http'\n`,
      'src/core/status.ts': `const { STATUS_CODES } = process.getBuiltinModule('node:http')\n`,
      'src/cli/probe.ts': `await fetch('http://127.0.0.1')\n`,
      'src/cli/main.ts': `import { Command } from 'commander'\n`,
      'src/control/schema.ts': `import { z } from 'zod'\n`,
    }),
    [],
  )
})

test('finds an import of a module to the left', () => {
  const [breach] = breaches({ 'src/lib/ring.ts': `\nimport type { Exchange } from '../core/index.ts'\n` })
  assert.match(breach ?? '', /^src\/lib\/ring\.ts:2 lib must not know core/)
})

test('finds an import past an index', () => {
  const [breach] = breaches({ 'src/core/a.ts': `import { Ring } from '../lib/ring.ts'\n` })
  assert.match(breach ?? '', /^src\/core\/a\.ts:1 deep import of src\/lib\/ring\.ts/)
})

test('finds a circle of values, and lets types look back', () => {
  const [breach, ...others] = breaches({
    'src/core/a.ts': `import { b } from './b.ts'\n`,
    'src/core/b.ts': `import { c } from './c.ts'\n`,
    'src/core/c.ts': `import { a } from './a.ts'\n`,
  })
  assert.match(breach ?? '', /circle: src\/core\/a\.ts > src\/core\/b\.ts > src\/core\/c\.ts > src\/core\/a\.ts/)
  assert.deepEqual(others, [])
  assert.deepEqual(
    breaches({
      'src/core/a.ts': `import { b } from './b.ts'\n`,
      'src/core/b.ts': `import type { A } from './a.ts'\n`,
    }),
    [],
  )
})

test('finds a folder without a row, and an index without its paragraph', () => {
  assert.match(breaches({ 'src/utils/a.ts': '' })[0] ?? '', /src\/utils has no row/)
  assert.match(breaches({ 'src/lib/index.ts': `export * from './ring.ts'\n` })[0] ?? '', /without its paragraph/)
  assert.deepEqual(breaches({ 'src/lib/index.ts': `${PARAGRAPH}export * from './ring.ts'\n` }), [])
})

test('finds packages and built-in modules outside their rows', () => {
  const cases: readonly [string, string, RegExp][] = [
    ['src/ai/a.ts', `import { Command } from 'commander'`, /commander may be used only in src\/cli\//],
    ['src/core/a.ts', `import { request } from 'undici'`, /package undici has no row/],
    ['src/core/match/a.ts', `import tls from 'node:tls'`, /node:tls may be used only in src\/core\/connect\//],
    ['src/core/listen/a.ts', `import { connect } from 'node:tls'`, /connect, .* of node:tls may be used only in/],
    ['src/core/upstream/a.ts', `import { connect } from 'node:http2'`, /connect of node:http2 may be used only in/],
    [
      'src/core/a.ts',
      `import { lookup } from 'node:dns/promises'`,
      /node:dns may be used only in src\/core\/connect\//,
    ],
    ['src/core/a.ts', `import { connect as c } from 'node:net'`, /connect, .* of node:net may be used only in/],
    ['src/core/a.ts', `import net from 'node:net'`, /of node:net may be used only in src\/core\/connect\//],
    ['src/core/a.ts', `import * as net from 'node:net'`, /of node:net may be used only in src\/core\/connect\//],
    ['src/core/a.ts', `export { Socket } from 'node:net'`, /of node:net may be used only in src\/core\/connect\//],
    ['src/core/a.ts', `import { createServer, request } from 'node:http'`, /of node:http may be used nowhere/],
    ['src/core/a.ts', `await import('node:net')`, /of node:net may be used only in src\/core\/connect\//],
    ['src/core/a.ts', `const { get } = process.getBuiltinModule('node:http')`, /of node:http may be used nowhere/],
    ['src/core/a.ts', `process.getBuiltinModule('node:tls')`, /node:tls may be used only in src\/core\/connect\//],
    ['src/core/a.ts', `import { createSocket } from 'node:dgram'`, /node:dgram may be used nowhere/],
    ['src/core/a.ts', `import _ from 'lodash/fp'`, /package lodash has no row/],
    ['src/core/a.ts', `import a from '@some/thing/part'`, /package @some\/thing has no row/],
    ['src/core/a.ts', `import { z } from 'zod'`, /zod may be used only in/],
    ['src/core/a.ts', `import { DatabaseSync } from 'node:sqlite'`, /node:sqlite may be used only in src\/storage\//],
    ['src/core/a.ts', `import vm from 'node:vm'`, /node:vm may be used nowhere/],
    ['src/core/a.ts', `import fs from 'fs'`, /without its prefix/],
    ['src/lib/a.ts', `import fs from 'node:fs/promises'`, /lib must not import node:fs\/promises/],
    ['src/core/a.ts', `import { x } from '../../tools/x.ts'`, /outside src\//],
  ]
  for (const [file, text, expected] of cases) assert.match(breaches({ [file]: text })[0] ?? '', expected)
})

test('lets a test import what serves tests, and holds it to the direction all the same', () => {
  assert.deepEqual(
    breaches({ 'src/lib/a.test.ts': `import fc from 'fast-check'\nimport { up } from '../../test/harness/up.ts'\n` }),
    [],
  )
  assert.match(breaches({ 'src/lib/a.test.ts': `import { x } from '../core/index.ts'` })[0] ?? '', /must not know/)
})

test('finds globals that open connections, and not what only has their name', () => {
  for (const text of [
    `await fetch('x')`,
    `const get = fetch\n`,
    `globalThis.fetch`,
    `call(a, fetch)`,
    `new WebSocket(url)`,
  ]) {
    assert.match(breaches({ 'src/core/a.ts': text })[0] ?? '', /(?:fetch|WebSocket) may be used/, text)
  }
  for (const text of [
    `this.fetch('x')`,
    `prefetch(x)`,
    `// fetch(x)`,
    `const a = 'fetch(x)'`,
    `const a = { fetch: b }`,
  ]) {
    assert.deepEqual(breaches({ 'src/core/a.ts': text }), [], text)
  }
})
