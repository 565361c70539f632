import { createHash, randomBytes } from 'node:crypto'
import type { JsonObject } from './json.ts'
import { WALL_KEY } from './wall/wall.ts'

/** A virtual key for a test: the secret that clients send and the hash that the configuration holds. */
export interface TestKey {
  readonly id: string
  readonly secret: string
  readonly hash: string
}

/** Makes a key with a random secret. */
export function keyPair(id = 'dev'): TestKey {
  const secret = `fk-${randomBytes(32).toString('base64url')}`
  return { id, secret, hash: `sha256:${createHash('sha256').update(secret).digest('hex')}` }
}

/** A key of the configuration: a pair and what the document says beside its id and hash. */
export interface KeyEntry extends JsonObject {
  readonly key: TestKey
}

/** What a configuration for tests is made of; `more` is merged over the top level of the document. */
export interface ConfigOptions {
  /** The wall's base URL, ending in `/v1`. */
  readonly wallUrl: string
  readonly keys: readonly (TestKey | KeyEntry)[]
  /** Models to offer; each is the wall's model of the same name. An object gives the target's other members. */
  readonly models?: readonly (string | ({ readonly name: string } & JsonObject))[]
  readonly timeouts?: JsonObject
  readonly provider?: JsonObject
  readonly more?: JsonObject
}

/** A configuration document with one upstream, the wall, on free loopback ports. */
export function baseConfig({ wallUrl, keys, models = ['ok'], timeouts, provider, more }: ConfigOptions): JsonObject {
  const wall = { kind: 'openai-compatible', api_key: WALL_KEY, base_url: wallUrl, ...provider }
  return {
    listen: '127.0.0.1:0',
    control: { listen: '127.0.0.1:0' },
    workers: 1,
    providers: { wall },
    models: Object.fromEntries(models.map(modelEntry)),
    keys: keys.map(keyEntry),
    ...(timeouts ? { timeouts } : {}),
    ...more,
  }
}

function modelEntry(model: string | ({ readonly name: string } & JsonObject)): [string, JsonObject] {
  const { name, ...target } = typeof model === 'string' ? { name: model } : model
  return [name, { strategy: 'single', targets: [{ provider: 'wall', model: name, ...target }] }]
}

function keyEntry(entry: TestKey | KeyEntry): JsonObject {
  if ('key' in entry && typeof entry.key === 'object') {
    const { key, ...more } = entry
    return { id: key.id, hash: key.hash, ...more }
  }
  return { id: entry.id, hash: entry.hash }
}
