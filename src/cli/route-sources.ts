import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TargetFigures } from '../ai/index.ts'
import type { Levels } from '../app/index.ts'
import type { ConfigDocument } from '../config/index.ts'
import { withBooks } from './books.ts'
import { type LocationOptions, locateData } from './data-location.ts'
import { Failure } from './failure.ts'
import { readInstance } from './instance.ts'
import { openKeyStore } from './key-store.ts'

/** What a key may use. */
export interface KeyRights {
  readonly id: string
  readonly allow: readonly string[] | null
  readonly deny: readonly string[]
  readonly tags: readonly string[]
  /** Levels that it names. */
  readonly organization: string | null
  readonly team: string | null
  readonly project: string | null
  readonly user: string | null
}

/** The rights of a key of the file, else of the gateway's database. Throws Failure when there is none of this id. */
export async function findKey(id: string, document: ConfigDocument, location: LocationOptions): Promise<KeyRights> {
  const ofFile = document.keys.find((key) => key.id === id)
  if (ofFile !== undefined) {
    const { models, tags, organization = null, team = null, project = null, user = null } = ofFile
    return { id, allow: models.allow ?? null, deny: models.deny, tags, organization, team, project, user }
  }
  const store = await openKeyStore(await locateData(location), 'refuse')
  try {
    const found = (await store.list()).find((key) => key.id === id)
    if (found === undefined) throw new Failure(`there is no key with the id ${id}; \`ferro keys list\` shows all`)
    const { models, tags, organization, team, project, user } = found
    return { id, ...models, tags, organization, team, project, user }
  } finally {
    store.close()
  }
}

/** The levels of a document, and those of the gateway's database beside them as far as there is one. */
export async function levelsOf(document: ConfigDocument, location: LocationOptions): Promise<Levels> {
  const { Levels: Made } = await import('../app/index.ts')
  const { dataDir, databaseUrl } = await locateData(location)
  if (databaseUrl === null && !existsSync(join(dataDir, 'ferro.db'))) return new Made(document)
  return await withBooks(location, ({ reader }) => Promise.resolve(new Made(document, reader.levels())))
}

const PATIENCE_MS = 2_000

/** What the gateway that runs on the data directory knows of its targets; null when none runs, or it does not tell. */
export async function figuresOf(document: ConfigDocument, { dataDir }: LocationOptions) {
  const folder = dataDir ?? document.data_dir
  const instance = readInstance(folder)
  if (instance === null) return null
  try {
    const token = readFileSync(join(folder, 'admin-token'), 'utf8').trim()
    const response = await fetch(new URL('/admin/v1/targets', instance.control), {
      headers: { authorization: `Bearer ${token}` },
      signal: AbortSignal.timeout(PATIENCE_MS),
    })
    if (!response.ok) return null
    const { data } = (await response.json()) as TargetsAnswer // the gateway's own words, of the same version
    return Object.fromEntries(data.map(({ id, ...figures }) => [id, figures]))
  } catch {
    // Nobody who can be asked: the explanation says that it goes by no statistics.
    return null
  }
}

interface TargetsAnswer {
  readonly data: readonly (TargetFigures & { readonly id: string })[]
}
