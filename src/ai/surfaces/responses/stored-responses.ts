import { answer, type Exchange, type Gate, GatewayError } from '../../../core/index.ts'
import { principalOf } from '../../../governance/index.ts'
import type { ContentPort } from '../../../storage/index.ts'
import { mustBe } from '../../wrong-field.ts'
import { conversationOf, inputItems, type KeptRecord, readRecord } from './kept-record.ts'
import { type Maker, readMaker } from './maker.ts'
import { storedLookUps, type Verdict } from './prior.ts'
import type { RelayStored } from './relay-stored.ts'
import { replayed } from './replay.ts'

export interface StoredOptions {
  readonly content: ContentPort
  readonly relay: RelayStored
}

/** What is kept under an id: the turns up to it, the oldest first, or the name of who keeps it. */
type Found = { readonly turns: readonly KeptRecord[] } | { readonly maker: Maker } | null
type Render = (x: Exchange, turns: readonly KeptRecord[], last: KeptRecord) => Verdict

interface Asked {
  readonly id: string
  readonly below: string | null
  readonly render: Render
}

/** `GET /v1/responses/{id}` and `…/input_items`. */
export function createStoredRead(options: StoredOptions): Gate {
  return lookedUp(options, (x) => {
    const [id = '', below, ...more] = x.rest.split('/')
    if (more.length > 0 || (below !== undefined && below !== 'input_items')) return null
    return { id, below: below ?? null, render: below === undefined ? renderResponse : renderItems }
  })
}

/** `POST /v1/responses/{id}/cancel`: only answers that are made in the background can be cancelled; none is made so here. */
export function createStoredCancel(options: StoredOptions): Gate {
  return lookedUp(options, (x) => {
    const [id = '', below, ...more] = x.rest.split('/')
    if (more.length > 0 || below !== 'cancel') return null
    return {
      id,
      below,
      render: () =>
        new GatewayError('invalid_request', 'Only a response that is made in the background can be cancelled.'),
    }
  })
}

/** `DELETE /v1/responses/{id}`. */
export function createStoredDelete({ content, relay }: StoredOptions): Gate {
  const removed = storedLookUps<boolean>()
  const remove: Render = (x) => {
    const known = removed.of(x)
    if (known === undefined) return removed.begin(x, content.remove(principalOf(x).id, x.rest))
    if (!known) return unknown(x.rest)
    answer(x, 200, 'application/json', JSON.stringify({ id: x.rest, object: 'response', deleted: true }))
    return null
  }
  return lookedUp({ content, relay }, (x) =>
    x.rest.includes('/') ? null : { id: x.rest, below: null, render: remove },
  )
}

function lookedUp({ content, relay }: StoredOptions, read: (x: Exchange) => Asked | null): Gate {
  const found = storedLookUps<Found>()
  return (x) => {
    const asked = read(x)
    if (asked === null) return unknownPath()
    const known = found.of(x)
    if (known === undefined) return found.begin(x, content.chain(principalOf(x).id, asked.id).then(foundIn))
    if (known === null) return unknown(asked.id)
    if ('maker' in known) return relay.pass(x, { ...asked, maker: known.maker }, forgetting(x, asked.id, content))
    const { turns } = known
    const last = turns.at(-1)
    return last === undefined ? unknown(asked.id) : asked.render(x, turns, last)
  }
}

function foundIn(texts: readonly string[] | null): Found {
  if (texts === null) return null
  const maker = readMaker(texts.at(-1) ?? '')
  return maker === null ? { turns: texts.map(readRecord).filter((record) => record !== null) } : { maker }
}

/** What its maker has deleted is not looked for any more. */
function forgetting(x: Exchange, id: string, content: ContentPort): (() => void) | null {
  if (x.method !== 'DELETE') return null
  return () => void content.remove(principalOf(x).id, id).catch(() => undefined) // its time will pass
}

const renderResponse: Render = (x, _turns, { response }) => {
  const query = new URLSearchParams(x.query)
  if (query.get('stream') !== 'true') {
    answer(x, 200, 'application/json', JSON.stringify(response))
    return null
  }
  const after = query.get('starting_after')
  if (after !== null && !/^\d{1,9}$/.test(after)) return mustBe('starting_after', 'a whole number')
  answer(x, 200, 'text/event-stream; charset=utf-8', replayed(response, after === null ? -1 : Number(after)))
  return null
}

const MOST_ITEMS = 100
const ITEMS = 20

const renderItems: Render = (x, turns, last) => {
  const query = new URLSearchParams(x.query)
  const limit = Number(query.get('limit') ?? ITEMS)
  if (!Number.isSafeInteger(limit) || limit < 1 || limit > MOST_ITEMS) {
    return mustBe('limit', `a whole number from 1 to ${MOST_ITEMS}`)
  }
  const order = query.get('order') ?? 'desc'
  if (order !== 'asc' && order !== 'desc') return mustBe('order', '"asc" or "desc"')
  const all = [...conversationOf(turns.slice(0, -1)), ...inputItems(last)]
  if (order === 'desc') all.reverse()
  const after = query.get('after')
  const start = after === null ? 0 : all.findIndex((item) => item['id'] === after) + 1
  if (after !== null && start === 0) return mustBe('after', 'the id of one of the items')
  const data = all.slice(start, start + limit)
  const body = {
    object: 'list',
    data,
    first_id: data[0]?.['id'] ?? null,
    last_id: data.at(-1)?.['id'] ?? null,
    has_more: start + limit < all.length,
  }
  answer(x, 200, 'application/json', JSON.stringify(body))
  return null
}

function unknown(id: string): GatewayError {
  const shown = id.length > 128 ? `${id.slice(0, 128)}…` : id
  return new GatewayError('not_found', `Response with id '${shown}' not found: this key has none of this name.`)
}

function unknownPath(): GatewayError {
  return new GatewayError('not_found', 'There is no such path under /v1/responses/.')
}
