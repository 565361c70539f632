/** Escapes that JSON allows and PostgreSQL's jsonb does not: the zero character, and halves of characters. */
const SUSPICIOUS = /\\u(?:0000|[dD][89a-fA-F])/

/** A JSON text as jsonb takes it: what it cannot hold is replaced by U+FFFD. */
export function jsonb(text: string): string {
  if (!SUSPICIOUS.test(text)) return text
  return JSON.stringify(JSON.parse(text), (_name, value: unknown) =>
    typeof value === 'string' ? value.replaceAll('\0', '\uFFFD').toWellFormed() : value,
  )
}
