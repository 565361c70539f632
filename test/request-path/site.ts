import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { TestContext } from 'node:test'
import type { FilesConfig } from '../../src/core/serve/files.ts'
import { type Edge, planOf, type RouteParts, routeOf, startEdge } from './edge.ts'

/** The `files` section as the schema completes it. */
export function filesConfig(root: string, parts: Partial<FilesConfig> = {}): FilesConfig {
  return { root, index: ['index.html'], hidden: 'refuse', precompressed: true, ...parts }
}

/** A folder with these files that goes away with the test. */
export function makeFolder(t: Pick<TestContext, 'after'>, files: Readonly<Record<string, string | Buffer>>): string {
  const root = mkdtempSync(join(tmpdir(), 'ferro-site-'))
  t.after(() => rmSync(root, { recursive: true, force: true }))
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(join(root, dirname(name)), { recursive: true })
    writeFileSync(join(root, name), content)
  }
  return root
}

const METHODS = ['GET', 'HEAD', 'POST', 'OPTIONS', 'DELETE']

/** A gateway whose every path leads to one route. */
export function startRoute(t: TestContext, parts: RouteParts): Promise<Edge> {
  const route = routeOf(parts)
  const methods = Object.fromEntries(METHODS.map((method) => [method, route]))
  return startEdge(t, { plan: planOf({ '/': methods }, [['/', methods]]) })
}

/** An answer as it came over the wire: nothing is decoded. */
export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly body: Buffer
  /** The connection ended before the answer did. */
  readonly cut: boolean
}

export interface Asked {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
}

/** One request on a connection of its own. */
export function ask(url: string, path: string, { method = 'GET', headers = {} }: Asked = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { path, method, headers, agent: false }, (response) => {
      const chunks: Buffer[] = []
      const done = (cut: boolean) => {
        const { statusCode: status = 0 } = response
        // Lists of lines occur only for Set-Cookie, which nothing here sends.
        const received = response.headers as Record<string, string | undefined>
        resolve({ status, headers: received, body: Buffer.concat(chunks), cut })
      }
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () => done(false))
      response.on('error', () => done(true))
    })
    sent.on('error', reject)
    sent.end()
  })
}
