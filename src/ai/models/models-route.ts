import { answer, type Exchange, type Hook } from '../../core/index.ts'
import { allowed, unknownModel } from '../conversation/conversation-route.ts'
import type { ModelRegistry } from './registry.ts'

/** `GET /v1/models`: what this key may use, in OpenAI's shape. `created` is when the plan was made, in seconds. */
export function createModelList(registry: ModelRegistry, created: number): Hook {
  return (x: Exchange) => {
    const data: unknown[] = []
    for (const { name, entry } of registry.list()) {
      if (allowed(x, registry, name)) data.push(describe(name, entry.ownedBy, created))
    }
    answer(x, 200, 'application/json', JSON.stringify({ object: 'list', data }))
    return null
  }
}

/** `GET /v1/models/{id}`; the id may hold slashes. */
export function createModelDetail(registry: ModelRegistry, created: number): Hook {
  return (x: Exchange) => {
    const target = registry.resolve(x.rest)
    if (target === null || !allowed(x, registry, x.rest)) return unknownModel(x.rest)
    answer(x, 200, 'application/json', JSON.stringify(describe(x.rest, target.provider, created)))
    return null
  }
}

function describe(id: string, ownedBy: string, created: number): object {
  return { id, object: 'model', created, owned_by: ownedBy }
}
