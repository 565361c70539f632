import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compileSurfaces, type SurfacePath } from '../../src/ai/index.ts'
import { documentFrom, SCOPES } from '../../src/config/index.ts'
import { createMetricsRow, GatewayMetrics, MetricsRegistry } from '../../src/observability/index.ts'
import { errorCode } from '../harness/client.ts'
import { keyPair } from '../harness/config.ts'
import { parseJson } from '../harness/json.ts'
import { useHouse } from './house.ts'

/*
 * Every scope of keys against every path of the data listener, from the table of surfaces itself. A path that is not decided here
 * fails the first test.
 */

/** Scope by path, of every method there. */
const PATHS: Readonly<Record<string, (typeof SCOPES)[number]>> = {
  '/v1/chat/completions': 'chat.completions',
  '/v1/completions': 'completions.create',
  '/v1/responses': 'responses.create',
  '/v1/responses/': 'responses.create',
  '/v1/responses/input_tokens': 'responses.create',
  '/v1/responses/compact': 'responses.create',
  '/v1/conversations': 'responses.create',
  '/v1/conversations/': 'responses.create',
  '/v1/messages': 'messages.create',
  '/v1/messages/count_tokens': 'messages.create',
  '/v1/messages/batches': 'batches.manage',
  '/v1/messages/batches/': 'batches.manage',
  '/v1beta/models/': 'content.generate',
  '/v1/models/': 'content.generate',
  '/v1/embeddings': 'embeddings.create',
  '/v1/images/generations': 'images.generate',
  '/v1/images/edits': 'images.generate',
  '/v1/images/variations': 'images.generate',
  '/v1/audio/speech': 'audio.create',
  '/v1/audio/transcriptions': 'audio.create',
  '/v1/audio/translations': 'audio.create',
  '/v1/moderations': 'moderations.create',
  '/v1/rerank': 'rerank.create',
  '/v1/files': 'files.manage',
  '/v1/files/': 'files.manage',
  '/v1/batches': 'batches.manage',
  '/v1/batches/': 'batches.manage',
  '/upload/v1beta/files': 'files.manage',
  '/upload/v1/files': 'files.manage',
  '/v1/realtime': 'realtime.connect',
  '/v1/models': 'models.read',
  '/v1/capabilities': 'models.read',
  '/v1beta/models': 'models.read',
  '/v1/': 'passthrough.use',
  '/v1beta/': 'passthrough.use',
}
/** The same path lists models with GET, and uses one with POST. */
const READ_WITH_GET: ReadonlySet<string> = new Set(['/v1beta/models/', '/v1/models/'])
/** What stands behind a prefix. */
const BELOW: Readonly<Record<string, string>> = {
  '/v1beta/models/': 'ok:generateContent',
  '/v1/models/': 'ok:generateContent',
  '/v1/': 'something/else',
  '/v1beta/': 'something/else',
}

const scopeOf = ({ method, path }: Pick<SurfacePath, 'method' | 'path'>) =>
  method === 'GET' && READ_WITH_GET.has(path) ? 'models.read' : PATHS[path]

const scoped = SCOPES.map((scope) => ({ scope, key: keyPair(scope.replace('.', '-')) }))
const house = useHouse({
  otherKeys: scoped.map(({ scope, key }) => ({ key, scopes: [scope] })),
  more: { passthrough: { enabled: true } },
})

async function surfaces(): Promise<readonly (SurfacePath & { readonly asked: string })[]> {
  const document = await documentFrom({
    providers: { wall: { kind: 'openai-compatible', base_url: 'http://127.0.0.1:9/v1', api_key: 'x' } },
    models: { ok: { targets: [{ provider: 'wall', model: 'ok' }] } },
    passthrough: { enabled: true },
  })
  const asked = new WeakMap<object, string>()
  const hooks = (scope: string) => {
    const admit = [() => null]
    asked.set(admit, scope)
    return { identify: null, admit, reserve: null, settle: null }
  }
  const upstream = { dispatch: () => false, close: () => Promise.resolve() }
  const { paths } = await compileSurfaces({
    document,
    environment: {},
    metrics: new GatewayMetrics(new MetricsRegistry({ row: createMetricsRow(), onSeries: () => undefined })),
    transports: { connect: () => upstream, demo: upstream },
    content: {} as never, // only whether there is any decides which paths there are
    hooks: { conversation: hooks, models: hooks('models.read'), unmatched: { settle: null } },
  })
  return paths.map((each) => ({ ...each, asked: of(each.route.admit, asked) }))
}

/** Some routes have gates of their own behind. */
function of(admit: SurfacePath['route']['admit'], asked: WeakMap<object, string>): string {
  if (admit === null) return 'nobody'
  return asked.get(admit) ?? 'more'
}

test('A10 every path of the data listener is decided', async () => {
  const found = await surfaces()
  assert.deepEqual([...new Set(found.map(({ path }) => path))].sort(), Object.keys(PATHS).sort())
  for (const each of found) {
    if (each.asked !== 'more') assert.equal(each.asked, scopeOf(each), `${each.method} ${each.path}`)
  }
})

test('A10 a key with one scope gets to the paths of that scope, and to no other', async () => {
  const found = await surfaces()
  for (const { scope, key } of scoped) {
    const client = house().newClient(key)
    const answers = await Promise.all(
      found.map(async (each) => {
        const { method, path } = each
        const target = path.endsWith('/') ? `${path}${BELOW[path] ?? 'some-id'}` : path
        const hasBody = method !== 'GET' && method !== 'DELETE'
        const init = hasBody ? { body: '{}', headers: { 'content-type': 'application/json' } } : {}
        const answer = await client.fetch(target, { method, ...init })
        return { each, status: answer.status, code: errorCode(parseJson(await answer.text())) }
      }),
    )
    for (const { each, status, code } of answers) {
      const about = `${scope} at ${each.method} ${each.path}: ${status} ${String(code)}`
      const isRefused =
        status === 403 &&
        (code === 'insufficient_scope' || code === 'permission_error' || code === undefined || code === 403)
      assert.equal(isRefused, scopeOf(each) !== scope, about)
    }
  }
})
