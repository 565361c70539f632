import { GatewayError } from '../../../core/index.ts'
import { TextHints } from '../../../lib/index.ts'
import type { DialectName } from '../../dialects/name.ts'
import { parseExact, writeJson } from '../../ir/json.ts'
import { type OriginOfId, readId } from '../forward/origin.ts'

/**
 * Members that name what a provider keeps, in bodies of OpenAI's, Anthropic's and Google's APIs (their references, 2026-11):
 * files, vector stores, containers, cached contents.
 */
const NAMES =
  'file_ids?|input_file_id|training_file|validation_file|vector_store_ids?|container(?:_id)?|file_?[uU]ri|cached_?[cC]ontent'
/** A name without a backslash, and behind it a text or a list of texts. No text of JSON can hold one: quotes are escaped there. */
const MEMBER = new RegExp(`"(?:${NAMES})"\\s*:\\s*("[^"\\\\]*"|\\[[^\\]\\\\:{}[]*\\])`, 'g')
const TEXT = /"([^"\\]*)"/g
/** Letters, digits or the underscore, written as escapes: nobody does, but who wants not to be read. */
const ODD = /\\u00(?:3\d|[4-7][0-9a-f])/i
const ODD_VALUE = new RegExp(`"(?:${NAMES})"\\s*:\\s*(?:"[^"\\\\]*\\\\|\\[[^\\]\\\\:{}[]*\\\\)`)
/**
 * What a body must have in it to name anything. Every conversation is searched for it, so the first search is for texts that are
 * found fastest: short ones whose first character is rare. Escapes of a letter of `_id` have 005 or 006 in them.
 */
interface Hints {
  readonly first: TextHints
  /** Null: the first search suffices. */
  readonly next: TextHints | null
}
const OPENAIS_FIRST = ['_id', '005', '006']
const GOOGLES_FIRST = ['Uri"', '_uri"', 'Content"', '_content"', '\\u00']
const OPENAIS: Hints = {
  first: new TextHints(OPENAIS_FIRST),
  next: new TextHints(['file_id', 'store_id', 'container_id', '\\u005', '\\u006']),
}
const GOOGLES: Hints = { first: new TextHints(GOOGLES_FIRST), next: null }
const ALL: Hints = { first: new TextHints([...OPENAIS_FIRST, ...GOOGLES_FIRST, '_file"', '"container']), next: null }
const MOST = 2_000
/** What is no id of a thing: how Gemini names its files by their address, and how it calls things. */
const ADDRESS = /^https:\/\/[^/]+\/(?:upload\/)?v1(?:beta|alpha)?\/(files\/[^/?#]+)$/

/** One place in a body that names a thing. */
export interface Reference {
  /** As the body has it. */
  readonly said: string
  readonly of: OriginOfId
}

/** A body and the things that it names. */
export interface Referring {
  readonly body: Buffer
  readonly references: readonly Reference[]
}

/** Whose names a body may have in it. */
export type NamesOf = 'openai' | 'google' | 'any'

const HINTS: Readonly<Record<NamesOf, Hints>> = { openai: OPENAIS, google: GOOGLES, any: ALL }

/** Whose names bodies of a dialect have in them. */
export function namesIn(dialect: DialectName): NamesOf {
  return dialect === 'gemini' ? 'google' : 'openai'
}

/** What a JSON body names; null for nothing. */
export function referencesIn(sent: Buffer, names: NamesOf = 'any'): Referring | GatewayError | null {
  const { first, next } = HINTS[names]
  if (!first.isIn(sent) || next?.isIn(sent) === false) return null
  let body = sent
  let text = body.toString('latin1')
  if (ODD_VALUE.test(text) || ODD.test(text)) {
    const plain = plainly(sent)
    if (plain === null) return null
    body = plain
    text = body.toString('latin1')
  }
  const found = new Map<string, Reference>()
  for (const [, value = ''] of text.matchAll(MEMBER)) {
    for (const [, latin = ''] of value.matchAll(TEXT)) {
      const said = Buffer.from(latin, 'latin1').toString('utf8')
      if (said !== '' && said !== 'auto') found.set(said, { said, of: readReference(said) })
    }
    if (found.size > MOST) return new GatewayError('invalid_request', `The request names more than ${MOST} files.`)
  }
  return found.size === 0 ? null : { body, references: [...found.values()] }
}

/** The body with things named as their provider does. */
export function withPlainIds(body: Buffer): Buffer {
  if (!body.includes('.at.')) return body
  const text = body.toString('latin1').replace(MEMBER, (member, value: string) => {
    const plain = value.replace(TEXT, (_all, said: string) => `"${plainId(said)}"`)
    return `${member.slice(0, member.length - value.length)}${plain}`
  })
  return Buffer.from(text, 'latin1')
}

/** An address of Gemini's is known by the file's name. */
function readReference(said: string): OriginOfId {
  const [, name] = ADDRESS.exec(said) ?? []
  return readId(name ?? said)
}

function plainId(said: string): string {
  const { id, provider } = readId(said)
  return provider === null ? said : id
}

/** The same JSON without needless escapes; null for what is none. */
function plainly(body: Buffer): Buffer | null {
  try {
    return Buffer.from(writeJson(parseExact(body.toString('utf8'))))
  } catch {
    return null // whoever reads it next refuses it
  }
}
