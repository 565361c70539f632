/** Turns what the schema found into errors that a person can act on: position, plain words, suggestion. */
import * as z from 'zod'
import { PROTOTYPE_KEYS } from './checks.ts'
import { type ConfigError, configError } from './errors.ts'
import { freezeDeep } from './freeze.ts'
import type { Locate, Path } from './position.ts'
import { isReference } from './reference.ts'
import { type ConfigDocument, documentSchema } from './schema.ts'
import { suggest } from './suggest.ts'

/** What the schema says to a value: the document with its defaults, or every issue, with the keys that were possible. */
export type SchemaResult =
  | { readonly ok: true; readonly document: ConfigDocument }
  | { readonly ok: false; readonly issues: readonly z.core.$ZodIssue[]; readonly knownKeys: KnownKeys }

type KnownKeys = ReadonlyMap<unknown, readonly string[]>

/** Runs the schema over plain data. The document is without `$schema`, which is there for editors. */
export function applySchema(value: unknown): SchemaResult {
  const knownKeys = new Map<unknown, readonly string[]>()
  const result = documentSchema.safeParse(value, {
    reportInput: true,
    error: (issue) => {
      if (issue.code === 'unrecognized_keys' && issue.inst instanceof z.ZodObject) {
        knownKeys.set(issue.input, Object.keys(issue.inst.shape))
      }
      return explain(issue)
    },
  })
  if (!result.success) return { ok: false, issues: result.error.issues, knownKeys }
  const { $schema: _forEditors, ...document } = result.data
  return { ok: true, document: freezeDeep(document) }
}

const NOUNS: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: '`true` or `false`',
  object: 'a mapping',
  record: 'a mapping',
  array: 'a list',
}

function nounOf(value: unknown): string {
  if (value === null) return 'nothing'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object') return 'a mapping'
  if (typeof value === 'boolean') return `\`${value}\``
  if (typeof value === 'number' && !Number.isInteger(value)) {
    return Number.isFinite(value) ? 'a number that is not whole' : 'a number that is not finite'
  }
  return NOUNS[typeof value] ?? typeof value
}

/** Of a union without words of its own; replaced by those of the branch that was meant. */
const NO_BRANCH = 'nothing of this kind may stand here'

/** Words for what the schema has no words of its own for. */
export function explain(issue: z.core.$ZodRawIssue): string | undefined {
  if (issue.code === 'invalid_type') {
    return `expected ${NOUNS[issue.expected] ?? issue.expected}, got ${nounOf(issue.input)}`
  }
  if (issue.code === 'invalid_value') {
    return `expected ${issue.values.map((value) => `\`${String(value)}\``).join(' or ')}, got ${quote(issue.input)}`
  }
  if (issue.code === 'too_small') return `must be at least ${issue.minimum}`
  if (issue.code === 'too_big') return `must be at most ${issue.maximum}`
  if (issue.code === 'invalid_union') return NO_BRANCH
  return undefined
}

function quote(value: unknown): string {
  return typeof value === 'string' ? `\`${value.slice(0, 40)}\`` : nounOf(value)
}

/** The errors for the issues of one document. */
export function toErrors(result: Extract<SchemaResult, { ok: false }>, file: string, locate: Locate): ConfigError[] {
  return result.issues.flatMap(ofBranch).flatMap((issue) => {
    // The schema has no keys but texts and indexes.
    const path = issue.path as Path
    if (issue.code === 'unrecognized_keys') return unknownKeys(issue, { path, result, file, locate })
    if (issue.code === 'invalid_key') {
      const message = issue.issues[0]?.message ?? 'not a valid name'
      return configError(file, { ...locate(path, 'key'), path }, { message })
    }
    if (issue.input === undefined) {
      return configError(file, { ...locate(path.slice(0, -1), 'key'), path }, { message: 'required key is missing' })
    }
    const suggestion =
      issue.code === 'invalid_value' && typeof issue.input === 'string'
        ? suggest(issue.input, issue.values.map(String))
        : null
    const message = `${issue.message}${referenceHint(issue)}`
    return configError(file, { ...locate(path, 'value'), path }, { message, suggestion })
  })
}

/** Of a reference where a plain value must stand: it is read as text, and what it stands for is never looked at. */
function referenceHint({ input, message }: z.core.$ZodIssue): string {
  if (typeof input !== 'string' || !isReference(input) || /\breferences?\b/.test(message)) return ''
  return '; a reference cannot stand here'
}

/** Where several kinds of values may stand, the issues of the kind that was meant: the first whose type is right. */
function ofBranch(issue: z.core.$ZodIssue): z.core.$ZodIssue[] {
  if (issue.code !== 'invalid_union' || issue.message !== NO_BRANCH) return [issue]
  const branches = issue.errors.map((branch) => branch.flatMap(ofBranch))
  const meant = branches.find((branch) => !branch.some(isOfAnotherKind))
  if (meant !== undefined) return meant.map((inner) => ({ ...inner, path: [...issue.path, ...inner.path] }))
  const kinds = branches.flatMap((branch) => branch.filter(isOfAnotherKind))
  const values = kinds.flatMap((inner) => (inner.code === 'invalid_value' ? inner.values : []))
  const [first] = kinds
  if (values.length > 0) {
    const message = explain({ code: 'invalid_value', values, input: issue.input }) ?? NO_BRANCH
    return [{ ...issue, code: 'invalid_value', values, message }]
  }
  return [first === undefined ? issue : { ...first, path: [...issue.path, ...first.path] }]
}

function isOfAnotherKind({ code, path }: z.core.$ZodIssue): boolean {
  return path.length === 0 && (code === 'invalid_type' || code === 'invalid_value')
}

function unknownKeys(
  issue: z.core.$ZodIssueUnrecognizedKeys,
  at: { path: Path; result: Extract<SchemaResult, { ok: false }>; file: string; locate: Locate },
): ConfigError[] {
  const known = at.result.knownKeys.get(issue.input) ?? []
  const taken = typeof issue.input === 'object' && issue.input !== null ? Object.keys(issue.input) : []
  const free = known.filter((name) => !taken.includes(name) && name !== '$schema')
  // Prototype names are refused everywhere, with a reason of their own.
  return issue.keys
    .filter((name) => !PROTOTYPE_KEYS.has(name))
    .map((name) => {
      const path = [...at.path, name]
      const suggestion = suggest(name, free)
      const message = `unknown key${suggestion === null ? unknownKeyHint(name, known, free) : ''}`
      return configError(at.file, { ...at.locate(path, 'key'), path }, { message, suggestion })
    })
}

/** A key that looks like one that is there already was probably meant to be it; else everything that could stand here. */
function unknownKeyHint(name: string, known: readonly string[], free: readonly string[]): string {
  const twin = suggest(
    name,
    known.filter((key) => !free.includes(key)),
  )
  if (twin !== null) return `; \`${twin}\`, which it looks like, is already here`
  return free.length > 0 ? `; possible here: ${free.join(', ')}` : ''
}
