import { ControlError } from './errors.ts'
import { encodeKey } from './key-view.ts'
import type { ControlPort } from './port.ts'
import { type Answer, type ControlRequest, ok } from './resource.ts'
import { parseNewKey } from './schema.ts'

/** Every key, without secrets and hashes. */
export function listKeys(port: ControlPort): Answer {
  const nowMs = Date.now()
  return ok({ data: port.listKeys().map((key) => encodeKey(key, nowMs)) })
}

/** One key, or 404. */
export function showKey(port: ControlPort, { id }: ControlRequest): Answer {
  const key = port.listKeys().find((candidate) => candidate.id === id)
  if (key === undefined) throw noSuchKey()
  return ok({ key: encodeKey(key, Date.now()) })
}

/** Makes a key; the answer is the only one that ever holds its secret. */
export async function createKey(port: ControlPort, { body }: ControlRequest): Promise<Answer> {
  const { key, secret } = await port.createKey(await parseNewKey(body))
  const headers = { location: `/admin/v1/api-keys/${key.id}` }
  return { status: 201, body: { key: encodeKey(key, Date.now()), secret }, headers }
}

/** Revokes a key for good; a second time changes nothing and answers the same. */
export async function revokeKey(port: ControlPort, { id }: ControlRequest): Promise<Answer> {
  const revoked = await port.revokeKey(id)
  if (revoked === null) throw noSuchKey()
  const { key, warning } = revoked
  return ok({ key: encodeKey(key, Date.now()), ...(warning === null ? {} : { warning }) })
}

function noSuchKey(): ControlError {
  return new ControlError('not_found', 'There is no key with this id. GET /admin/v1/api-keys lists them.')
}
