/** Nesting of parentheses and signs beyond which an expression is not one. */
const MAX_DEPTH = 40

/**
 * Value of an arithmetic expression with `+ - * / ^ %`, parentheses and decimal numbers; null when the text is
 * anything else. `^` binds tightest and to the right; a division by zero gives Infinity or NaN.
 */
export function evaluate(expression: string): number | null {
  const tokens = expression.match(/\d+(?:\.\d+)?|[-+*/^%()]|\S/g) ?? []
  let at = 0
  let depth = 0

  const primary = (): number | null => {
    const token = tokens[at++]
    if (token === undefined || depth > MAX_DEPTH) return null
    if (token !== '(') return /^\d/.test(token) ? Number(token) : null
    depth++
    const value = sum()
    depth--
    return tokens[at++] === ')' ? value : null
  }
  const power = (): number | null => {
    const base = primary()
    if (base === null || tokens[at] !== '^') return base
    at++
    const exponent = signed()
    return exponent === null ? null : base ** exponent
  }
  const signed = (): number | null => {
    if (tokens[at] !== '-' && tokens[at] !== '+') return power()
    const minus = tokens[at++] === '-'
    if (++depth > MAX_DEPTH) return null
    const value = signed()
    depth--
    return value === null || !minus ? value : -value
  }
  const chain = (operand: () => number | null, operators: readonly string[]): number | null => {
    let value = operand()
    while (value !== null && operators.includes(tokens[at] ?? '')) {
      const operator = tokens[at++] ?? ''
      const right = operand()
      if (right === null) return null
      value = apply(operator, value, right)
    }
    return value
  }
  const product = (): number | null => chain(signed, ['*', '/', '%'])
  const sum = (): number | null => chain(product, ['+', '-'])

  const value = sum()
  return at === tokens.length ? value : null
}

function apply(operator: string, left: number, right: number): number {
  switch (operator) {
    case '+':
      return left + right
    case '-':
      return left - right
    case '*':
      return left * right
    case '/':
      return left / right
    default:
      return left % right
  }
}

const SPOKEN: readonly (readonly [RegExp, string])[] = [
  [/\bplus\b/gi, '+'],
  [/\bminus\b/gi, '-'],
  [/\b(?:times|multiplied by)\b/gi, '*'],
  [/\bdivided by\b/gi, '/'],
  [/\bto the power of\b/gi, '^'],
  [/(?<=\d)\s{0,4}[x×]\s{0,4}(?=\d)/g, '*'],
  [/÷/g, '/'],
  // 1,000 is a number here, and 1, 2 are two.
  [/(?<=\d),(?=\d{3}\b)/g, ''],
]

/** The sum that a question asks for, as `12 * 7 = 84`; null when it asks for none. Looks at short texts only. */
export function calculation(question: string): string | null {
  if (question.length > 300) return null
  let text = question
  for (const [pattern, symbol] of SPOKEN) text = text.replace(pattern, symbol)
  const match = /[-(]*\d[\d.\s+\-*/^%()]*/.exec(text)
  if (match === null) return null
  const expression = trimToBalance(match[0])
  const asked = /\b(?:what(?:'s| is)|calculate|compute|evaluate|how much is|solve)\b/i.test(question)
  const bare = text.replace(match[0], '').replace(/[\s=?.!]/g, '') === ''
  if ((!asked && !bare) || !/\d\s*[-+*/^%]\s*[-+(\d]|\)\s*[-+*/^%]/.test(expression)) return null
  const value = evaluate(expression)
  if (value === null) return null
  const shown = expression.replace(/\s+/g, ' ')
  return Number.isFinite(value) ? `${shown} = ${Number(value.toPrecision(12))}` : `${shown} has no finite value`
}

/** Without what a sentence puts after an expression: white space, a full stop, a parenthesis that was never opened. */
function trimToBalance(text: string): string {
  let open = 0
  let end = text.length
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '(') open++
    if (text[i] === ')' && --open < 0) {
      end = i
      break
    }
  }
  return text
    .slice(0, end)
    .replace(/[\s.+\-*/^%]+$/, '')
    .trim()
}
