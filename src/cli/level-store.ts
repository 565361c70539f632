import {
  COMMAND_LINE,
  ControlError,
  changeLevel,
  createLevel,
  type LevelAnswer,
  listLevels,
  OWNER,
  removeLevel,
  showLevel,
} from '../control/index.ts'
import type { LedgerWriter, StoredLevelKind } from '../storage/index.ts'
import type { AdminClient } from './admin-client.ts'
import type { DataLocation } from './data-location.ts'
import { Failure } from './failure.ts'
import { openData } from './open-data.ts'

/** The levels of one kind in one data directory, through its gateway or without one. Methods throw Failure for what a person can mend. */
export interface LevelStore {
  /** True when a running gateway does the work: what is changed is in force at once. */
  readonly live: boolean
  list(tag: string | undefined): Promise<readonly LevelAnswer[]>
  /** Null when there is none. */
  show(id: string): Promise<LevelAnswer | null>
  create(fields: object): Promise<LevelAnswer>
  /** Takes a JSON merge patch; null when there is none. */
  change(id: string, patch: object): Promise<LevelAnswer | null>
  remove(id: string): Promise<LevelAnswer | null>
  close(): void
}

/** Opens the levels of a kind, see `openData`. */
export async function openLevelStore(
  location: DataLocation,
  kind: StoredLevelKind,
  missing: 'create' | 'refuse',
): Promise<LevelStore> {
  const opened = await openData(location, missing)
  if ('admin' in opened) return new AnsweredLevels(kind, askGateway(opened.admin, kind), null)
  return new AnsweredLevels(kind, await askDatabase(opened.writer, location, kind), opened.writer)
}

interface Question {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  /** Absent: all. */
  readonly id?: string
  readonly query?: ReadonlyMap<string, string>
  readonly body?: object
}

/** Answers as the admin API does; without members where there is no such level. */
type Ask = (question: Question) => Promise<Readonly<Record<string, unknown>>>

const PAGE = '1000'

class AnsweredLevels implements LevelStore {
  readonly live: boolean
  readonly #kind: StoredLevelKind
  readonly #ask: Ask
  readonly #writer: LedgerWriter | null

  constructor(kind: StoredLevelKind, ask: Ask, writer: LedgerWriter | null) {
    this.#kind = kind
    this.#ask = ask
    this.#writer = writer
    this.live = writer === null
  }

  async list(tag: string | undefined): Promise<readonly LevelAnswer[]> {
    const levels: LevelAnswer[] = []
    const query = new Map([['limit', PAGE], ...(tag === undefined ? [] : [['tag', tag] as const])])
    for (;;) {
      const page = await this.#ask({ method: 'GET', query })
      levels.push(...(page['data'] as readonly LevelAnswer[])) // control/levels.ts answers with it
      const next = page['next_cursor']
      if (typeof next !== 'string') return levels
      query.set('cursor', next)
    }
  }

  async show(id: string): Promise<LevelAnswer | null> {
    return this.#level(await this.#ask({ method: 'GET', id }))
  }

  async create(fields: object): Promise<LevelAnswer> {
    const made = this.#level(await this.#ask({ method: 'POST', body: fields }))
    if (made === null) throw new Failure('the answer tells of no level')
    return made
  }

  async change(id: string, patch: object): Promise<LevelAnswer | null> {
    return this.#level(await this.#ask({ method: 'PATCH', id, body: patch }))
  }

  async remove(id: string): Promise<LevelAnswer | null> {
    return this.#level(await this.#ask({ method: 'DELETE', id }))
  }

  close(): void {
    this.#writer?.close()
  }

  #level(answer: Readonly<Record<string, unknown>>): LevelAnswer | null {
    const level = answer[this.#kind]
    return level === undefined ? null : (level as LevelAnswer) // as above
  }
}

function askGateway(admin: AdminClient, kind: StoredLevelKind): Ask {
  return async ({ method, id, query = new Map(), body }) => {
    const search = query.size === 0 ? '' : `?${new URLSearchParams([...query]).toString()}`
    const path = `/admin/v1/${kind}s${id === undefined ? '' : `/${encodeURIComponent(id)}`}${search}`
    return await admin.call(method, path, { body, ...(id === undefined ? {} : { absent: 404 }) })
  }
}

async function askDatabase(writer: LedgerWriter, location: DataLocation, kind: StoredLevelKind): Promise<Ask> {
  const { DatabaseLevels } = await import('../app/index.ts')
  const levels = new DatabaseLevels(location.document, writer)
  const handlers = { POST: createLevel, PATCH: changeLevel, DELETE: removeLevel }
  return async ({ method, id, query = new Map(), body }) => {
    const handle = method !== 'GET' ? handlers[method] : id === undefined ? listLevels : showLevel
    const asked = { admin: OWNER, by: COMMAND_LINE, id: id ?? '', query, body }
    try {
      return { ...(await handle(levels, kind, asked)).body }
    } catch (error) {
      if (!(error instanceof ControlError)) throw error
      if (error.code === 'not_found' && id !== undefined) return {}
      throw new Failure(error.message, { cause: error })
    }
  }
}
