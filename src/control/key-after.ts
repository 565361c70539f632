import { isObject } from '../lib/index.ts'
import type { ChangeableKey, StoredKey } from '../storage/index.ts'
import { ControlError } from './errors.ts'
import { mergePatch } from './merge-patch.ts'
import { changedKey, writtenKey } from './new-key.ts'
import { parseKey } from './schema.ts'

/**
 * What a JSON merge patch (RFC 7396) makes of a key: what is null goes back to what it is when absent. Throws ControlError
 * `invalid_request` with the path of each field that is wrong.
 */
export async function keyAfter(before: ChangeableKey & Pick<StoredKey, 'id'>, patch: unknown): Promise<ChangeableKey> {
  if (!isObject(patch)) throw new ControlError('invalid_request', 'The body must be a JSON object.')
  const fields = await parseKey(mergePatch(writtenKey(before), patch))
  if (fields.id !== before.id) throw cannotBe('id', 'an id stays')
  const after = changedKey(fields)
  const { expires_at: expires } = after
  if (expires !== before.expires_at && expires !== null && expires <= Date.now()) {
    throw cannotBe('expires_at', 'lies in the past; `"enabled": false` ends it now')
  }
  return after
}

function cannotBe(param: string, what: string): ControlError {
  return new ControlError('invalid_request', `The key cannot be changed: ${param}: ${what}.`, { param })
}
