/** Names that many write, and that no vendor knows; what they mean is registered under another one. */
const MEANT: Readonly<Record<string, string>> = {
  'image/jpg': 'image/jpeg',
  'image/pjpeg': 'image/jpeg',
  'image/x-png': 'image/png',
}

/** A media type as vendors compare it: in lower case, without parameters, by its registered name. */
export function mediaTypeOf(said: string): string {
  const end = said.indexOf(';')
  const type = (end < 0 ? said : said.slice(0, end)).trim().toLowerCase()
  return MEANT[type] ?? type
}
