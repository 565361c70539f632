import { isRequestId } from '../lib/index.ts'
import { ControlError } from './errors.ts'
import { pageSize } from './paging.ts'
import type { ControlPort } from './port.ts'
import { keyIdOf } from './query.ts'
import { type Answer, type ControlRequest, ok } from './resource.ts'

/** A page of request records, newest first; `next_cursor` asks for the page after it, null after the last. */
export async function listRequests(port: ControlPort, { query }: ControlRequest): Promise<Answer> {
  const limit = pageSize(query.get('limit'))
  const cursor = query.get('cursor')
  if (cursor !== undefined && !isRequestId(cursor)) {
    throw new ControlError('invalid_request', 'cursor: expected the `next_cursor` of another page.', {
      param: 'cursor',
    })
  }
  const keyId = keyIdOf(query)
  const data = await port.requests({
    limit,
    ...(cursor === undefined ? {} : { beforeId: cursor }),
    ...(keyId === null ? {} : { keyId }),
  })
  return ok({ data, next_cursor: data.length < limit ? null : (data.at(-1)?.id ?? null) })
}

/** One request record with its ledger rows, or 404. */
export async function showRequest(port: ControlPort, { id }: ControlRequest): Promise<Answer> {
  const found = isRequestId(id) ? await port.request(id) : null
  if (found === null) {
    const message = 'There is no record of a request with this id. Records appear a moment after the request has ended.'
    throw new ControlError('not_found', message)
  }
  return ok(found)
}
