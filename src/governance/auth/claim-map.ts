import type { JWTPayload } from 'jose'
import type { IdentityConfig } from '../../config/index.ts'
import type { OutsideFacts } from './outside-principal.ts'

type TokenPrincipals = IdentityConfig['jwt'][number]

const MAX_VALUES = 64
const MAX_CHARS = 256

/** What a token says of whom it speaks for, by the claims that the configuration names; null when one of them is no such thing. */
export function factsOfClaims(
  payload: JWTPayload,
  { id: issuerId, map, scopes: granted }: TokenPrincipals,
): OutsideFacts | null {
  const { sub, exp } = payload
  const organization = textAt(payload, map.organization)
  const team = textAt(payload, map.team)
  const project = textAt(payload, map.project)
  const user = textAt(payload, map.user)
  const scopes = listAt(payload, map.scopes)
  const models = listAt(payload, map.models)
  const tags = listAt(payload, map.tags)
  if (organization === undefined || team === undefined || project === undefined || user === undefined) return null
  if (scopes === undefined || models === undefined || tags === undefined) return null
  return {
    // An issuer's id has no colon: nobody's subject reads like another issuer's.
    id: issuerId === undefined ? `jwt:${sub}` : `jwt:${issuerId}:${sub}`,
    organization,
    team,
    project,
    user,
    scopes: [...granted, ...scopes],
    models: map.models === undefined ? null : models,
    tags,
    expiresAt: exp === undefined ? null : exp * 1_000,
  }
}

/** A claim by its whole name, else along the dots in it. */
function claimAt(payload: JWTPayload, name: string): unknown {
  if (Object.hasOwn(payload, name)) return payload[name]
  let value: unknown = payload
  for (const part of name.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined
    value = (value as Readonly<Record<string, unknown>>)[part] // an object's own
  }
  return value
}

/** Null: the claim is not there; undefined: it is no text. */
function textAt(payload: JWTPayload, name: string | undefined): string | null | undefined {
  const value = name === undefined ? undefined : claimAt(payload, name)
  if (value === undefined || value === null) return null
  return isText(value) ? value : undefined
}

/** A list of texts, or a text with spaces; undefined: neither. */
function listAt(payload: JWTPayload, name: string | undefined): readonly string[] | undefined {
  const value = name === undefined ? undefined : claimAt(payload, name)
  if (value === undefined || value === null) return []
  const list: unknown = typeof value === 'string' ? value.split(' ').filter((each) => each !== '') : value
  if (!Array.isArray(list) || list.length > MAX_VALUES) return undefined
  return list.every(isText) ? list : undefined
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= MAX_CHARS
}
