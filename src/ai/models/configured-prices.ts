import type { PricesConfig } from '../../config/index.ts'
import type { Prices, Rates } from './price.ts'

type RatesConfig = Omit<PricesConfig, 'rules'>

/** Prices of the configuration, of which what is absent is charged as the plain kind; `rule` names them in records. */
export function configuredPrices(rule: string, prices: PricesConfig): Prices {
  const plain = { rule, ...ratesOf(prices) }
  if (prices.rules === undefined || prices.rules.length === 0) return plain
  const conditional = prices.rules.map(
    ({ name, above_input_tokens, service_tier, speed, region, from, to, ...rates }) => ({
      rule: `${rule}#${name}`,
      when: {
        above: above_input_tokens,
        tier: service_tier?.toLowerCase(),
        speed: speed?.toLowerCase(),
        region: region?.toLowerCase(),
        from,
        to,
      },
      ...ratesOf(rates),
    }),
  )
  return { ...plain, conditional }
}

function ratesOf(config: RatesConfig): Rates {
  const { image, second, character, search } = config
  const cacheWrite = config.cache_write ?? config.input
  const counted = { images: image, seconds: second, characters: character, searches: search }
  const some = Object.values(counted).some((rate) => rate !== undefined)
  return {
    input: config.input,
    output: config.output,
    cacheRead: config.cache_read ?? config.input,
    cacheWrite,
    request: config.request,
    cacheWrite1h: config.cache_write_1h ?? cacheWrite,
    reasoning: config.reasoning,
    audioInput: config.audio_input ?? config.input,
    audioOutput: config.audio_output ?? config.output,
    imageInput: config.image_input ?? config.input,
    imageOutput: config.image_output ?? config.output,
    webSearch: perMillion(config.web_search),
    units: some ? mapped(counted) : undefined,
  }
}

function mapped(rates: Readonly<Record<string, number | undefined>>): NonNullable<Rates['units']> {
  return Object.fromEntries(Object.entries(rates).map(([unit, rate]) => [unit, perMillion(rate)]))
}

/** The document has a price for one; rates are for a million. A price for one beyond 9 dollars is more than counts exactly. */
function perMillion(rate: number | undefined): number | undefined {
  return rate === undefined ? undefined : rate * 1_000_000
}
