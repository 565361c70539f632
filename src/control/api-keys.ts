import type { Admin } from './admins.ts'
import { ControlError } from './errors.ts'
import { checkSum } from './granted-sum.ts'
import { checkGrant } from './grants.ts'
import { keyAfter } from './key-after.ts'
import { encodeKey } from './key-view.ts'
import { cursorIn, pageAfter, pageSize } from './paging.ts'
import type { ControlPort, KeyView } from './port.ts'
import { type Answer, type ControlRequest, ok } from './resource.ts'
import { parseNewKey, parseRotation } from './schema.ts'
import { checkName, checkWithin, isWithin } from './within.ts'

/** A page of the keys in the order of their ids, without secrets and hashes; those with a tag, if one is given. */
export async function listKeys(port: ControlPort, { admin, query }: ControlRequest): Promise<Answer> {
  const [limit, cursor, tag] = [pageSize(query.get('limit')), cursorIn(query), query.get('tag')]
  const keys = visibleTo(port, admin).filter(({ tags }) => tag === undefined || tags.includes(tag))
  const sorted = keys.sort((a, b) => (a.id < b.id ? -1 : 1))
  const { data, next_cursor } = pageAfter(sorted, ({ id }) => id, { limit, cursor })
  const uses = await port.lastUses(data.map(({ id }) => id))
  const nowMs = Date.now()
  return ok({ data: data.map((key) => encodeKey(key, nowMs, uses)), next_cursor })
}

/** One key, or 404. */
export async function showKey(port: ControlPort, { admin, id }: ControlRequest): Promise<Answer> {
  const key = visible(port, admin, id)
  return ok({ key: encodeKey(key, Date.now(), await port.lastUses([id])) })
}

/** Makes a key; the answer is the only one that ever holds its secret. */
export async function createKey(port: ControlPort, { admin, by, body }: ControlRequest): Promise<Answer> {
  const { key, secret } = await port.createKey(await parseNewKey(body), by, (made) => {
    checkWithin(port, admin, made, 'key')
    checkGrant(made, admin)
    checkSum(port, admin, { before: null, after: made })
    checkName(port, admin, { kind: 'key', id: made.id })
  })
  const headers = { location: `/admin/v1/api-keys/${key.id}` }
  return { status: 201, body: { key: encodeKey(key, Date.now()), secret }, headers }
}

/** Changes some members of a key (JSON merge patch, RFC 7396): what is null goes back to what it is when absent. */
export async function changeKey(port: ControlPort, { admin, by, id, body }: ControlRequest): Promise<Answer> {
  visible(port, admin, id)
  const key = await port.changeKey(id, by, async (before) => {
    const after = await keyAfter(before, body)
    // Where it is and where it shall be: nobody takes a key of others, or gives one away.
    checkWithin(port, admin, before, 'key')
    checkWithin(port, admin, after, 'key')
    checkGrant(after, admin)
    checkSum(port, admin, { before, after })
    return after
  })
  if (key === null) throw noSuchKey()
  return ok({ key: encodeKey(key, Date.now(), await port.lastUses([id])) })
}

/** Revokes a key for good; a second time changes nothing and answers the same. */
export async function revokeKey(port: ControlPort, { admin, by, id }: ControlRequest): Promise<Answer> {
  visible(port, admin, id)
  const revoked = await port.revokeKey(id, by)
  if (revoked === null) throw noSuchKey()
  const { key, warning } = revoked
  return ok({ key: encodeKey(key, Date.now()), ...(warning === null ? {} : { warning }) })
}

/** Gives a key a new secret, which is in this answer alone; that of before is taken for the grace period. */
export async function rotateKey(port: ControlPort, { admin, by, id, body }: ControlRequest): Promise<Answer> {
  // Whoever rotates a key holds it.
  const held = visible(port, admin, id)
  checkWithin(port, admin, held, 'key')
  checkGrant(held, admin)
  const rotated = await port.rotateKey(id, await parseRotation(body), by)
  if (rotated === null) throw noSuchKey()
  return ok({ key: encodeKey(rotated.key, Date.now()), secret: rotated.secret })
}

/** The keys that an admin may know of. */
function visibleTo(port: ControlPort, admin: Admin): KeyView[] {
  return port.listKeys().filter((key) => isWithin(port, admin, key))
}

/** One of them; a key of others is not there. */
function visible(port: ControlPort, admin: Admin, id: string): KeyView {
  const key = port.listKeys().find((candidate) => candidate.id === id)
  if (key === undefined || !isWithin(port, admin, key)) throw noSuchKey()
  return key
}

function noSuchKey(): ControlError {
  return new ControlError('not_found', 'There is no key with this id. GET /admin/v1/api-keys lists them.')
}
