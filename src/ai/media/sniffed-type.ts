/** First bytes of formats that servers often call by another name. */
const MAGIC: readonly (readonly [mediaType: string, offset: number, bytes: string])[] = [
  ['image/png', 0, '\x89PNG\r\n\x1a\n'],
  ['image/jpeg', 0, '\xff\xd8\xff'],
  ['image/gif', 0, 'GIF8'],
  ['image/webp', 8, 'WEBP'],
  ['application/pdf', 0, '%PDF-'],
]

/** The type of a body by its first bytes, else as its server calls it. */
export function sniffedType(body: Buffer, said: string): string {
  const start = body.toString('latin1', 0, 16)
  return MAGIC.find(([, offset, bytes]) => start.startsWith(bytes, offset))?.[0] ?? said
}
