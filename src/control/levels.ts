import { isObject } from '../lib/index.ts'
import type { StoredLevelKind } from '../storage/index.ts'
import type { Admin } from './admins.ts'
import { ControlError } from './errors.ts'
import { encodeLevel, type LevelView } from './level-view.ts'
import { mergePatch } from './merge-patch.ts'
import { storedLevelOf, writtenLevel } from './new-level.ts'
import { cursorIn, pageAfter, pageSize } from './paging.ts'
import type { LevelPort } from './port.ts'
import { type Answer, type ControlRequest, ok, type Resource } from './resource.ts'
import { parseLevel } from './schema.ts'
import { checkName, checkWithin, isWithin, membershipOf, NOWHERE } from './within.ts'

/** Kinds of levels, by what their path says. */
export const LEVEL_PATHS = { organizations: 'organization', teams: 'team', projects: 'project', users: 'user' } as const

/** The rows of the route table for levels of all kinds. */
export function levelResources(): Resource[] {
  return Object.entries(LEVEL_PATHS).flatMap(([name, kind]) => {
    const [all, one] = [`/admin/v1/${name}`, `/admin/v1/${name}/{id}`]
    const read = { method: 'GET', access: 'admin', right: 'levels.read', body: 'none' } as const
    const write = { ...read, right: 'levels.write', query: [] } as const
    const resources: Resource[] = [
      { ...read, path: all, query: ['limit', 'cursor', 'tag'], handle: (port, asked) => listLevels(port, kind, asked) },
      {
        ...write,
        path: all,
        method: 'POST',
        body: 'json',
        action: `${kind}.create`,
        handle: (port, asked) => createLevel(port, kind, asked),
      },
      { ...read, path: one, query: [], handle: (port, asked) => showLevel(port, kind, asked) },
      {
        ...write,
        path: one,
        method: 'PATCH',
        body: 'json',
        action: `${kind}.change`,
        handle: (port, asked) => changeLevel(port, kind, asked),
      },
      {
        ...write,
        path: one,
        method: 'DELETE',
        action: `${kind}.delete`,
        handle: (port, asked) => removeLevel(port, kind, asked),
      },
    ]
    return resources
  })
}

/** A page of the levels of a kind in the order of their ids; those with a tag, if one is given. */
export function listLevels(port: LevelPort, kind: StoredLevelKind, { admin, query }: ControlRequest): Answer {
  const [limit, cursor, tag] = [pageSize(query.get('limit')), cursorIn(query), query.get('tag')]
  const levels = port.listLevels(kind).filter((level) => isVisible(port, admin, level))
  const tagged = levels.filter(({ tags }) => tag === undefined || tags.includes(tag))
  const { data, next_cursor } = pageAfter(
    tagged.sort((a, b) => (a.id < b.id ? -1 : 1)),
    ({ id }) => id,
    { limit, cursor },
  )
  return ok({ data: data.map(encodeLevel), next_cursor })
}

/** One level, or 404. */
export function showLevel(port: LevelPort, kind: StoredLevelKind, { admin, id }: ControlRequest): Answer {
  return ok({ [kind]: encodeLevel(visible(port, kind, { admin, id })) })
}

export async function createLevel(
  port: LevelPort,
  kind: StoredLevelKind,
  { admin, by, body }: ControlRequest,
): Promise<Answer> {
  const fields = await parseLevel(kind, body, `The ${kind} cannot be made`)
  const nowMs = Date.now()
  const made = storedLevelOf(kind, fields, { created_at: nowMs, updated_at: nowMs })
  const level = await port.putLevel(kind, made.id, by, (before) => {
    checkBelow(port, admin, made)
    if (before !== null) {
      throw new ControlError('conflict', `There is a ${kind} with the id "${made.id}" already.`, { param: 'id' })
    }
    checkName(port, admin, made)
    return made
  })
  const headers = { location: `/admin/v1/${pathOf(kind)}/${made.id}` }
  return { status: 201, body: { [kind]: encodeLevel(level) }, headers }
}

/** Changes some members of a level (JSON merge patch, RFC 7396): what is null goes back to what it is when absent. */
export async function changeLevel(
  port: LevelPort,
  kind: StoredLevelKind,
  { admin, by, id, body }: ControlRequest,
): Promise<Answer> {
  visible(port, kind, { admin, id })
  if (!isObject(body)) throw new ControlError('invalid_request', 'The body must be a JSON object.')
  const level = await port.putLevel(kind, id, by, async (before) => {
    if (before === null) throw noSuch(kind)
    const { owner: _same, ...stored } = before
    const written = mergePatch(writtenLevel({ ...stored, deleted_at: null }), body)
    const fields = await parseLevel(kind, written, `The ${kind} cannot be changed`)
    if (fields.id !== id) {
      throw new ControlError('invalid_request', `The ${kind} cannot be changed: id: an id stays.`, { param: 'id' })
    }
    const after = storedLevelOf(kind, fields, { created_at: before.created_at, updated_at: Date.now() })
    // Where it is and where it shall be: nobody takes a level into its own, or gets rid of its own bounds.
    checkBelow(port, admin, before)
    checkBelow(port, admin, after)
    return after
  })
  return ok({ [kind]: encodeLevel(level) })
}

/** Removes a level that nothing is in any more. */
export async function removeLevel(
  port: LevelPort,
  kind: StoredLevelKind,
  { admin, by, id }: ControlRequest,
): Promise<Answer> {
  checkBelow(port, admin, visible(port, kind, { admin, id }))
  const level = await port.removeLevel(kind, id, by)
  if (level === null) throw noSuch(kind)
  return ok({ [kind]: encodeLevel(level), deleted: true })
}

function visible(
  port: LevelPort,
  kind: StoredLevelKind,
  { admin, id }: Pick<ControlRequest, 'admin' | 'id'>,
): LevelView {
  const level = port.listLevels(kind).find((each) => each.id === id)
  if (level === undefined || !isVisible(port, admin, level)) throw noSuch(kind)
  return level
}

function isVisible(port: LevelPort, admin: Admin, { kind, id }: Pick<LevelView, 'kind' | 'id'>): boolean {
  return isWithin(port, admin, membershipOf(`${kind}:${id}`))
}

type Placed = Pick<LevelView, 'kind' | 'id' | 'organization' | 'team'>

/** An admin of one level makes and changes levels below its own, and not its own: that is what it is bounded by. */
function checkBelow(port: LevelPort, admin: Admin, { kind, id, organization, team }: Placed): void {
  if (admin.within === `${kind}:${id}`) {
    const message = `Your token is for what is in ${admin.within}, and not for ${admin.within} itself.`
    throw new ControlError('grant_exceeded', message)
  }
  checkWithin(port, admin, { ...NOWHERE, organization, team }, kind)
}

function pathOf(kind: StoredLevelKind): string {
  return `${kind}s`
}

function noSuch(kind: StoredLevelKind): ControlError {
  return new ControlError('not_found', `There is no ${kind} with this id. GET /admin/v1/${pathOf(kind)} lists them.`)
}
