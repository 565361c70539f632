const QUOTE = '"'
/** No error is nested as deeply as this. */
const DEEPEST = 64
const CLOSERS: Readonly<Record<string, string>> = { '{': '}', '[': ']' }

/** A JSON text, of a long one as much as stands within the first `limit` bytes; null for what is no JSON. */
export function readBeginning(body: Buffer, limit: number): unknown {
  const text = body.toString('utf8', 0, limit)
  return parsed(text) ?? (body.length > limit ? cutJson(text) : null)
}

/** What a text holds that breaks off: a text within it that does so is kept as far as it goes, any other member left out. */
function cutJson(text: string): unknown {
  const open: string[] = []
  let inText = false
  // How far it is complete, and what closes it there.
  let end = 0
  let closers = ''
  for (let at = 0; at < text.length; at++) {
    const char = text.charAt(at)
    if (inText) {
      if (char === '\\') at++
      else if (char === QUOTE) inText = false
    } else if (char === QUOTE) inText = true
    else if (char === '{' || char === '[') {
      if (open.push(CLOSERS[char] ?? '') > DEEPEST) return null
    } else if (char === '}' || char === ']') open.pop()
    else if (char === ',') {
      end = at
      closers = closersOf(open)
    }
  }
  const cutText = inText ? parsed(`${text.replace(/\\(?:u[\da-f]{0,3})?$/i, '')}${QUOTE}${closersOf(open)}`) : null
  return cutText ?? parsed(text.slice(0, end) + closers)
}

function closersOf(open: readonly string[]): string {
  return open.toReversed().join('')
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null // an HTML page says nothing that is understood
  }
}
