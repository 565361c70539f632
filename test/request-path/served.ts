import type { TestContext } from 'node:test'
import { compileSurfaces, DemoUpstream, type Surfaces, type TransportSource } from '../../src/ai/index.ts'
import { documentFrom } from '../../src/config/index.ts'
import type { Exchange, MethodTable, Transport } from '../../src/core/index.ts'
import { type KeyDocument, KeyPrincipal } from '../../src/governance/index.ts'
import { metricsOf } from './chat.ts'
import { type Edge, planOf, startEdge } from './edge.ts'
import { keyOf } from './keys.ts'
import { poolTo } from './upstream.ts'

export interface Answer {
  readonly status: number
  readonly body: Record<string, unknown>
}

/** The model surfaces of a configuration behind a real listener, with the demo provider and one key. */
export interface Served {
  readonly edge: Edge
  /** Status and body of `GET /v1/models`, or of one model. */
  readonly models: (name?: string) => Promise<Answer>
  readonly chat: (model: string) => Promise<Answer>
  readonly post: (body: string | object, headers?: Record<string, string>) => Promise<Response>
}

/** What a test sets up otherwise. */
export interface ServedParts {
  readonly environment?: Readonly<Record<string, string>>
  /** In place of connections to the origin itself. */
  readonly connect?: (origin: string) => Transport
}

/** Serves a configuration to a key that may do everything but what `key` says; all of it ends with the test. */
export async function serve(
  t: TestContext,
  config: object,
  key: Partial<KeyDocument> = {},
  parts: ServedParts = {},
): Promise<Served> {
  const demo = new DemoUpstream()
  t.after(() => demo.close())
  const principal = new KeyPrincipal(keyOf('dev', key))
  const identify = (x: Exchange) => {
    x.principal = principal
    return null
  }
  const connect = parts.connect ?? ((origin: string) => poolTo(t, origin))
  const transports: TransportSource = { demo, connect: ({ origin }) => connect(origin) }
  const surfaces = await compileSurfaces({
    document: await documentFrom(config),
    environment: parts.environment ?? {},
    metrics: metricsOf(),
    transports,
    hooks: {
      conversation: () => ({ identify, admit: null, reserve: null, settle: null }),
      models: { identify, admit: null, settle: null },
      unmatched: { settle: null },
    },
  })
  const plan = planOf(Object.fromEntries(tablesOf(surfaces, false)), tablesOf(surfaces, true), surfaces.fallback)
  const edge = await startEdge(t, { plan })
  const read = async (answer: Response): Promise<Answer> => {
    return { status: answer.status, body: (await answer.json()) as Record<string, unknown> } // both routes answer objects
  }
  const post: Served['post'] = async (body, headers = { 'content-type': 'application/json' }) => {
    const text = typeof body === 'string' ? body : JSON.stringify(body)
    return await fetch(`${edge.url}/v1/chat/completions`, { method: 'POST', headers, body: Buffer.from(text) })
  }
  return {
    edge,
    post,
    models: async (name) => await read(await fetch(`${edge.url}/v1/models${name === undefined ? '' : `/${name}`}`)),
    chat: async (model) => await read(await post({ model, messages: [{ role: 'user', content: 'Hello!' }] })),
  }
}

/** Methods by path of the surfaces, those that are prefixes or the others. */
export function tablesOf({ paths }: Surfaces, prefixes: boolean): [string, MethodTable][] {
  const wanted = paths.filter(({ path }) => path.endsWith('/') === prefixes)
  return [...Map.groupBy(wanted, ({ path }) => path)].map(([path, same]) => {
    return [path, Object.fromEntries(same.map(({ method, route }) => [method, route]))]
  })
}

/** The ids in a list of models. */
export function namesIn(list: Record<string, unknown>): unknown[] {
  return Array.isArray(list['data']) ? list['data'].map((model: unknown) => Object(model).id) : []
}

/** The code of an error in OpenAI's shape. */
export function codeOf(body: Record<string, unknown>): unknown {
  return Object(body['error']).code
}
