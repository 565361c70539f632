/** One position of a provider's bill. */
export interface BillLine {
  /** UTC: `2026-01-31`. */
  readonly date: string
  /** As the bill has it; null when it names none: a tool, storage, or a bill that is not told by model. */
  readonly model: string | null
  /** What the position is called beside the model; empty when it has no name. */
  readonly item: string
  readonly isBatch: boolean
  readonly isCached: boolean
  /** Exact, in 1e-12 US dollars. */
  readonly pico: bigint
  /** By how much it may be rounded, in 1e-12 US dollars: half of its last digit, where it has few. */
  readonly roundedPico: bigint
}

/** A file that is no bill in a form that is known; the message says what is wrong with it. */
export class BillError extends Error {}

/** More digits than these are exact for money. */
const ROUNDED_DIGITS = 4
const PICO_DIGITS = 12

/** A decimal number of dollars, or of units that are `shift` digits smaller, in 1e-12 dollars. */
export function picoOf(text: string, shift = 0): Pick<BillLine, 'pico' | 'roundedPico'> {
  const match = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d{1,3}))?$/.exec(text.trim())
  if (match === null) throw new BillError(`\`${text.slice(0, 40)}\` is no amount`)
  const [, sign = '', whole = '0', fraction = '', exponent = '0'] = match
  const places = PICO_DIGITS - shift - fraction.length + Number(exponent)
  const digits = BigInt(whole + fraction)
  const pico = places >= 0 ? digits * 10n ** BigInt(places) : digits / 10n ** BigInt(-places)
  const isShort = fraction.length <= ROUNDED_DIGITS && exponent === '0'
  return { pico: sign === '-' ? -pico : pico, roundedPico: isShort && places > 0 ? 10n ** BigInt(places) / 2n : 1n }
}

/** The UTC day of an instant, given in seconds since the epoch or in ISO 8601. */
export function dateOf(value: unknown): string {
  const seconds = typeof value === 'number' || (typeof value === 'string' && /^\d{9,11}$/.test(value))
  const timeMs = seconds ? Number(value) * 1_000 : typeof value === 'string' ? Date.parse(value) : Number.NaN
  if (Number.isNaN(timeMs)) throw new BillError(`\`${String(value).slice(0, 40)}\` is no date`)
  return new Date(timeMs).toISOString().slice(0, 10)
}

/** A currency that amounts can be compared in. */
export function requireUsd(currency: unknown): void {
  if (typeof currency === 'string' && currency.toLowerCase() === 'usd') return
  throw new BillError(`the currency ${String(currency).slice(0, 20)} cannot be compared with US dollars`)
}
