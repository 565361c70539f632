/**
 * References: text in a configuration that stands for a value kept elsewhere. `${NAME}`, `{env.NAME}` and `{$NAME}`
 * stand anywhere in a text and name an environment variable; `file:/path` is the whole text and names a file.
 * They stay references in the document; only `resolveReference`, called when the value is needed, reads anything.
 */
import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs'
import { Secret } from './secret.ts'

/** How references are written, for messages and documentation. */
// biome-ignore lint/suspicious/noTemplateCurlyInString: it shows the syntax of a reference
export const REFERENCE_FORMS = '`${NAME}`, `{env.NAME}`, `{$NAME}`, `file:/path`'

const VARIABLE = /\$\{([A-Za-z_]\w*)\}|\{env\.([A-Za-z_]\w*)\}|\{\$([A-Za-z_]\w*)\}/g
const OPENING = /\$\{|\{env\.|\{\$/
const FILE_PREFIX = 'file:'
/** The largest file that a `file:` reference may name, in bytes. */
export const SECRET_FILE_MAX_BYTES = 65_536

/** Environment variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>

/** A resolved text, or a sentence that says what is missing (never a value). */
export type Resolution =
  | {
      readonly ok: true
      readonly secret: Secret
      /** What the references in the text stand for, each alone: one may be shown where the whole text is not. */
      readonly parts: readonly Secret[]
    }
  | { readonly ok: false; readonly missing: string }

/** True when `text` must be resolved before it is used. */
export function isReference(text: string): boolean {
  return text.startsWith(FILE_PREFIX) || text.search(VARIABLE) !== -1
}

/** Whether a header's value is a credential by its name, wherever the value is kept. */
export function isCredentialHeader(name: string): boolean {
  return /key|token|secret|auth|passw|cookie|credential/i.test(name)
}

/** The first thing in `text` that opens like a reference and is none, or null. */
export function findMalformedReference(text: string): string | null {
  if (text.startsWith(FILE_PREFIX)) return text.length > FILE_PREFIX.length ? null : FILE_PREFIX
  return OPENING.exec(text.replaceAll(VARIABLE, ''))?.[0] ?? null
}

/** The text of a secret file: at most 64 KiB, one trailing line break removed. Throws when it cannot be read. */
export function readSecretFile(path: string): string {
  const descriptor = openSync(path, 'r')
  try {
    const stat = fstatSync(descriptor)
    if (!stat.isFile()) throw new Error('is not a regular file')
    if (stat.size > SECRET_FILE_MAX_BYTES) throw new Error('is larger than 64 KiB')
    return readFileSync(descriptor, 'utf8').replace(/\r?\n$/, '')
  } finally {
    closeSync(descriptor)
  }
}

/**
 * The value that `text` stands for; a text without references stands for itself. A variable that is unset or empty,
 * and a file that is unreadable or empty, is missing: an empty secret is never what was meant.
 */
export function resolveReference(
  text: string,
  env: Environment,
  readFile: (path: string) => string = readSecretFile,
): Resolution {
  if (text.startsWith(FILE_PREFIX)) return resolveFile(text.slice(FILE_PREFIX.length), readFile)
  const unset = new Set<string>()
  const parts: Secret[] = []
  const value = text.replaceAll(VARIABLE, (_match, dollar?: string, dotted?: string, caddy?: string) => {
    const name = dollar ?? dotted ?? caddy ?? ''
    const found = Object.hasOwn(env, name) ? env[name] : undefined
    if (found === undefined || found === '') unset.add(name)
    else parts.push(new Secret(found))
    return found ?? ''
  })
  if (unset.size === 0) return { ok: true, secret: new Secret(value), parts }
  const names = [...unset].map((name) => `\`${name}\``).join(', ')
  const missing = unset.size === 1 ? `environment variable ${names} is` : `environment variables ${names} are`
  return { ok: false, missing: `${missing} not set or empty` }
}

function resolveFile(path: string, readFile: (path: string) => string): Resolution {
  try {
    const value = readFile(path)
    if (value === '') return { ok: false, missing: `file \`${path}\` is empty` }
    const secret = new Secret(value)
    return { ok: true, secret, parts: [secret] }
  } catch (error) {
    return { ok: false, missing: `file \`${path}\` cannot be read: ${fileFault(error)}` }
  }
}

function fileFault(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown error'
  // System errors repeat the path in their message; the code says enough.
  return 'code' in error && typeof error.code === 'string' ? error.code : error.message
}
