import { ControlError } from './errors.ts'
import type { Resource } from './resource.ts'

/** A resource that a path led to, and the segment that `{id}` stood for. */
export interface Match {
  readonly resource: Resource
  readonly id: string
}

interface Place {
  readonly byMethod: ReadonlyMap<string, Resource>
  /** For `Allow`. */
  readonly methods: string
}

const ID_SEGMENT = '/{id}'
const ID_WITHIN = '/{id}/'

/** Finds resources by method and exact path: nothing is decoded or normalised, so no path has a second spelling. */
export class RouteTable {
  readonly #exact = new Map<string, Place>()
  /** By what comes before the id. */
  readonly #withId = new Map<string, Place>()
  /** By what stands around the id. */
  readonly #aroundId = new Map<string, Place>()

  constructor(resources: readonly Resource[]) {
    for (const [path, ofPath] of Map.groupBy(resources, ({ path }) => path)) {
      const byMethod = new Map<string, Resource>(ofPath.map((resource) => [resource.method, resource]))
      const get = byMethod.get('GET')
      if (get !== undefined) byMethod.set('HEAD', get)
      const place: Place = { byMethod, methods: [...byMethod.keys()].sort(inUsualOrder).join(', ') }
      if (path.endsWith(ID_SEGMENT)) this.#withId.set(path.slice(0, -ID_SEGMENT.length), place)
      else if (path.includes(ID_WITHIN)) this.#aroundId.set(path, place)
      else this.#exact.set(path, place)
    }
  }

  /** Throws ControlError `not_found` or `method_not_allowed`. */
  find(method: string, path: string): Match {
    const exact = this.#exact.get(path)
    if (exact !== undefined) return { resource: resourceOf(exact, method), id: '' }
    const slash = path.lastIndexOf('/')
    const place = this.#withId.get(path.slice(0, Math.max(slash, 0)))
    const id = path.slice(slash + 1)
    const within = place === undefined ? this.#findAround(path, slash) : null
    if (within !== null) return { resource: resourceOf(within.place, method), id: within.id }
    if (place === undefined || id === '') {
      throw new ControlError('not_found', 'There is nothing at this path of the control listener.')
    }
    return { resource: resourceOf(place, method), id }
  }

  #findAround(path: string, slash: number): { readonly place: Place; readonly id: string } | null {
    const before = path.lastIndexOf('/', slash - 1)
    if (before <= 0) return null
    const place = this.#aroundId.get(`${path.slice(0, before)}${ID_SEGMENT}${path.slice(slash)}`)
    const id = path.slice(before + 1, slash)
    return place === undefined || id === '' ? null : { place, id }
  }
}

const USUAL_ORDER = ['GET', 'HEAD', 'POST', 'PATCH', 'DELETE']

function inUsualOrder(a: string, b: string): number {
  return USUAL_ORDER.indexOf(a) - USUAL_ORDER.indexOf(b)
}

function resourceOf(place: Place, method: string): Resource {
  const resource = place.byMethod.get(method)
  if (resource !== undefined) return resource
  const message = `This path takes ${place.methods}.`
  throw new ControlError('method_not_allowed', message, { headers: { allow: place.methods } })
}
