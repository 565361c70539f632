import { formatPath, loadKeySchema, loadLevelSchema, type Path, suggest } from '../config/index.ts'
import type { StoredLevelKind } from '../storage/index.ts'
import { ControlError } from './errors.ts'
import type { LevelFields } from './new-level.ts'
import type { KeyFields, NewKey } from './port.ts'

const MAX_ISSUES_SHOWN = 5

type KeySchema = Awaited<ReturnType<typeof loadKeySchema>>['key']
/** What is wrong with a value, in the words of the schema library. */
type Issue = NonNullable<ReturnType<KeySchema['safeParse']>['error']>['issues'][number]

/**
 * What a request for a new key says, held to the schema that keys of a configuration file are held to. Throws
 * ControlError `invalid_request` that names every wrong field, the first of them as `param`, in the words and with the paths
 * that errors of a file have.
 */
export async function parseNewKey(value: unknown): Promise<NewKey> {
  // The gateway makes the secret and its hash; a key is made to be used, so it begins enabled.
  const { key, explain } = await loadKeySchema()
  const schema = key.omit({ hash: true, previous: true, enabled: true }).partial({ id: true })
  const result = schema.safeParse(value, { reportInput: true, error: explain })
  if (result.success) {
    const { expires_at: expiresAt } = result.data
    if (expiresAt === undefined || expiresAt > Date.now()) return result.data
    const message = 'The key cannot be made: expires_at lies in the past.'
    throw new ControlError('invalid_request', message, { param: 'expires_at' })
  }
  throw refused(result.error.issues, explainedBy(schema.shape, 'The key cannot be made'))
}

/** What a key shall be after a change, held to the same schema. Throws as `parseNewKey` does. */
export async function parseKey(value: unknown): Promise<KeyFields> {
  const { key, explain } = await loadKeySchema()
  const schema = key.omit({ hash: true, previous: true })
  const result = schema.safeParse(value, { reportInput: true, error: explain })
  if (result.success) return result.data
  throw refused(result.error.issues, explainedBy(schema.shape, 'The key cannot be changed'))
}

/** What a request says of a level, held to the schema that levels of a configuration file are held to. Throws as `parseNewKey` does. */
export async function parseLevel(kind: StoredLevelKind, value: unknown, what: string): Promise<LevelFields> {
  const { explain, ...schemas } = await loadLevelSchema()
  const schema = schemas[kind]
  const result = schema.safeParse(value, { reportInput: true, error: explain })
  if (result.success) return result.data
  throw refused(result.error.issues, explainedBy(schema.shape, what))
}

/** For how long the old secret of a rotation is taken, in milliseconds. Throws ControlError `invalid_request`. */
export async function parseRotation(value: unknown): Promise<number> {
  const { rotation, explain } = await loadKeySchema()
  const result = rotation.safeParse(value, { reportInput: true, error: explain })
  if (result.success) return result.data.grace
  throw refused(result.error.issues, explainedBy(rotation.shape, 'The key cannot be rotated'))
}

interface Explained {
  readonly known: readonly string[]
  readonly what: string
}

function explainedBy(shape: object, what: string): Explained {
  return { known: Object.keys(shape), what }
}

function refused(issues: readonly Issue[], { known: ofTop, what }: Explained): ControlError {
  const faults = issues.flatMap((issue) => {
    // The schema has no fields but texts and indexes.
    const path = issue.path as Path
    const message = issue.input === undefined ? 'required field is missing' : issue.message
    if (issue.code !== 'unrecognized_keys') return [{ path: formatPath(path), message }]
    const known = path.length === 0 ? ofTop : []
    return issue.keys.map((name) => ({ path: formatPath([...path, name]), message: unknownField(name, known) }))
  })
  const shown = faults
    .slice(0, MAX_ISSUES_SHOWN)
    .map(({ path, message }) => (path === '' ? message : `${path}: ${message}`))
  if (faults.length > shown.length) shown.push(`and ${faults.length - shown.length} more`)
  const param = faults[0]?.path ?? ''
  return new ControlError('invalid_request', `${what}: ${shown.join('; ')}.`, param === '' ? {} : { param })
}

function unknownField(name: string, known: readonly string[]): string {
  const meant = suggest(name, known)
  return meant === null ? 'unknown field' : `unknown field (did you mean \`${meant}\`?)`
}
