/** How far a member's object may reach. */
const LONGEST = 4_096

/**
 * The last object under this name at the end of an answer that is too long to be held. A quote inside of a JSON string
 * is escaped, so no text of the answer can look like it.
 */
export function tailMember(tail: Buffer, name: string): unknown {
  const wanted = `"${name}"`
  for (let at = tail.lastIndexOf(wanted); at >= 0; at = at === 0 ? -1 : tail.lastIndexOf(wanted, at - 1)) {
    const value = objectAfter(tail, at + wanted.length)
    if (value !== null) return value
  }
  return null
}

/** The same of a text. */
export function tailWord(tail: Buffer, name: string): string | null {
  const text = tail.toString('latin1')
  const found = [...text.matchAll(new RegExp(`"${name}"\\s*:\\s*"([\\w.-]{1,64})"`, 'g'))].at(-1)
  return found?.[1] ?? null
}

function objectAfter(bytes: Buffer, start: number): unknown {
  const text = bytes.toString('latin1', start, Math.min(start + LONGEST, bytes.length))
  const opening = /^\s*:\s*\{/.exec(text)
  if (opening === null) return null
  const from = opening[0].length - 1
  let depth = 0
  for (let at = from; at < text.length; at++) {
    if (text[at] === '{') depth++
    else if (text[at] === '}' && --depth === 0) return parsed(text.slice(from, at + 1))
  }
  return null
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null // not the object that is looked for
  }
}
