/** One part of a form. */
export interface FormPart {
  readonly name: string
  readonly isFile: boolean
  /** As the client says it; null: it does not. */
  readonly mediaType: string | null
  readonly bytes: Buffer
}

const HEADERS_END = Buffer.from('\r\n\r\n')

/** The parts of a whole form that a scanner has found to be one that can be read in one way only. */
export function formParts(form: Buffer, boundary: string): readonly FormPart[] {
  const delimiter = Buffer.from(`\r\n--${boundary}`, 'latin1')
  const parts: FormPart[] = []
  // The first delimiter has no line break before it, and one behind it as the others.
  for (let at = delimiter.length; ; ) {
    const head = form.indexOf(HEADERS_END, at)
    const end = form.indexOf(delimiter, Math.max(at, head + 2))
    if (head < 0 || end < 0) return parts
    const headers = form.toString('latin1', at, head)
    const name = /;\s*name=(?:"((?:[^"\\]|\\.)*)"|([^\s;"]+))/i.exec(headers)
    parts.push({
      name: name?.[1] ?? name?.[2] ?? '',
      isFile: /;\s*filename\*?=/i.test(headers),
      mediaType: /^content-type:\s*([^\s;]+)/im.exec(headers)?.[1]?.toLowerCase() ?? null,
      bytes: form.subarray(Math.min(head + HEADERS_END.length, end), end),
    })
    at = end + delimiter.length + 2
  }
}
