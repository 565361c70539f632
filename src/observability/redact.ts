/**
 * What never reaches the operational log. The first line of defence is that nobody passes secrets to it; this is the
 * second.
 */

export const REDACTED = '[redacted]'

/** Field names whose values are replaced, in lower case and with `_` for `-`. Exact names, not parts of names. */
const SECRET_FIELDS: ReadonlySet<string> = new Set([
  'access_token',
  'api_key',
  'apikey',
  'auth',
  'authorization',
  'client_secret',
  'cookie',
  'credential',
  'credentials',
  'key',
  'passphrase',
  'password',
  'passwd',
  'pepper',
  'private_key',
  'proxy_authorization',
  'refresh_token',
  'secret',
  'set_cookie',
  'token',
  'x_api_key',
  'x_goog_api_key',
])

/** Texts that give a secret away wherever they stand; what the group `keep` holds stays. */
const SECRET_TEXTS: readonly RegExp[] = [
  // A credential has a digit or is long; "basic authentication" is neither.
  /(?<keep>\b(?:bearer|basic)\s{1,8})(?=[^\s"',]*[0-9=]|[^\s"',]{20})[^\s"',]{6,}/gi,
  // User and password of a URL.
  /(?<keep>\b[a-z][a-z0-9+.-]{0,20}:\/\/)[^\s/@"']{1,200}(?=@)/gi,
  // Keys by the beginning that their issuers give them, ours (`fk-`) included.
  /(?<keep>\b(?:(?:sk|pk|rk|fk|gsk|xai|ghp|gho|github_pat)[-_]|AIza|AKIA))[A-Za-z0-9_-]{16,}/g,
]

/** True when a field of this name must not be shown. */
export function isSecretField(name: string): boolean {
  return SECRET_FIELDS.has(name.toLowerCase().replaceAll('-', '_'))
}

/** The text with what looks like a secret replaced. */
export function redactText(text: string): string {
  let result = text
  for (const pattern of SECRET_TEXTS) result = result.replace(pattern, `$<keep>${REDACTED}`)
  return result
}
