import type { PolicyConfig } from '../../config/index.ts'
import { compileNetworks, isIn } from '../../core/index.ts'
import { compileGlobs } from '../../lib/index.ts'
import { compileWindow } from './time-window.ts'

export type ConditionsConfig = PolicyConfig['match']

/** Who asks, as far as policies go by it. */
export interface PolicySubject {
  readonly id: string
  readonly tags: ReadonlySet<string>
  readonly named: {
    readonly organization: string | null
    readonly team: string | null
    readonly project: string | null
    readonly user: string | null
  }
}

/** Where, when and for what a request comes, as far as that is known before its body is read. */
export interface PolicyPlace {
  readonly address: string
  readonly timeMs: number
  /** Name of the route, as its records have it. */
  readonly route: string
}

type SubjectCheck = (subject: PolicySubject) => boolean
type PlaceCheck = (place: PolicyPlace) => boolean

/** Parts of a policy's `match` or `except`: those that a principal decides once, and those that each request does. */
export interface Conditions {
  readonly subject: readonly SubjectCheck[]
  readonly place: readonly PlaceCheck[]
}

const LEVELS = { organizations: 'organization', teams: 'team', projects: 'project', users: 'user' } as const

/** Compiles the parts that are given. */
export function compileConditions(config: ConditionsConfig): Conditions {
  const subject: SubjectCheck[] = []
  const place: PlaceCheck[] = []
  const { keys, tags, addresses, times, routes } = config
  if (keys !== undefined) {
    const globs = compileGlobs(keys)
    subject.push(({ id }) => globs.matches(id))
  }
  for (const [section, kind] of Object.entries(LEVELS)) {
    const ids = config[section as keyof typeof LEVELS] // its own keys
    if (ids === undefined) continue
    const globs = compileGlobs(ids)
    subject.push(({ named }) => named[kind] !== null && globs.matches(named[kind]))
  }
  if (tags !== undefined) {
    const globs = compileGlobs(tags)
    subject.push((of) => [...of.tags].some((tag) => globs.matches(tag)))
  }
  if (addresses !== undefined) {
    const networks = compileNetworks(addresses)
    place.push(({ address }) => isIn(networks, address))
  }
  if (times !== undefined) {
    const windows = times.map(compileWindow)
    place.push(({ timeMs }) => windows.some((isWithin) => isWithin(timeMs)))
  }
  if (routes !== undefined) {
    const globs = compileGlobs(routes)
    place.push(({ route }) => globs.matches(route))
  }
  return { subject, place }
}
