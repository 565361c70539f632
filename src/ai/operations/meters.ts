import { count, toldCost } from '../dialects/openai-usage.ts'
import { isObject, type JsonObject } from '../ir/json.ts'
import type { Usage } from '../models/price.ts'
import { estimateTokens } from '../relay/delivered.ts'
import type { OperationFacts, OperationMeter } from './operation.ts'
import { NOTHING, readToldUsage, tokensOf, unitsOf } from './usage.ts'

/** One picture of the largest size and quality that is sold by tokens (OpenAI, "Image generation", cost table). */
export const MOST_PICTURE_TOKENS = 8_192
/** The longest that a second of sound usually gets: little speech is sent at less than 32 kbit/s. */
const LEAST_BYTES_PER_SECOND = 4_000
/** A middling rate, for what nobody said: 128 kbit/s. */
const USUAL_BYTES_PER_SECOND = 16_000
/** A picture or file of unknown length. */
const UNKNOWN_UPLOAD_BYTES = 26_214_400

/** Text in, numbers out. */
export const embeddingsMeter: OperationMeter = {
  most: readTokens,
  read: (answer) => readToldUsage(answer),
  guess: (facts) => ({ ...NOTHING, inputTokens: estimateTokens(facts.textBytes) }),
}

/** As far as a vendor counts it at all. */
export const moderationsMeter: OperationMeter = embeddingsMeter

/** Pictures: counted in tokens by models that say them, else one by one. */
export const imagesMeter: OperationMeter = {
  most: (facts, bytesPerToken) => ({
    ...readTokens(facts, bytesPerToken),
    imageInputTokens: facts.uploadBytes > 0 ? MOST_PICTURE_TOKENS : 0,
    imageOutputTokens: facts.count * MOST_PICTURE_TOKENS,
    unit: 'images',
    units: facts.count,
    eitherMeasure: true,
  }),
  read(answer, facts) {
    const told = readToldUsage(answer)
    if (told !== null && tokensOf(told) > 0) return told
    const { data, usage } = answer
    const costNanos = isObject(usage) ? toldCost(usage) : undefined
    const pictures = Array.isArray(data) ? data.length : told === null ? null : facts.count
    if (pictures === null) return null
    return costNanos === undefined ? unitsOf('images', pictures) : { ...unitsOf('images', pictures), costNanos }
  },
  guess: (facts) => unitsOf('images', facts.count),
}

/** Speech: sold by the character, or by tokens that only an answer in events tells. */
export const speechMeter: OperationMeter = {
  most: (facts, bytesPerToken) => ({
    ...readTokens(facts, bytesPerToken),
    audioOutputTokens: spokenTokens(facts.characters),
    unit: 'characters',
    units: facts.characters,
    eitherMeasure: true,
  }),
  read: (answer) => readToldUsage(answer),
  guess: (facts) => ({
    ...NOTHING,
    inputTokens: estimateTokens(facts.textBytes),
    audioOutputTokens: spokenTokens(facts.characters),
    unit: 'characters',
    units: facts.characters,
    eitherMeasure: true,
  }),
}

/** Sound to text: by tokens or by seconds. */
export const transcriptionMeter: OperationMeter = {
  most: (facts) => secondsOf(facts, LEAST_BYTES_PER_SECOND),
  read(answer) {
    const told = readToldUsage(answer)
    if (told !== null) return told
    const { duration } = answer
    const seconds = typeof duration === 'string' ? Number(duration) : duration
    return typeof seconds === 'number' && seconds >= 0 ? unitsOf('seconds', seconds) : null
  },
  guess: (facts) => secondsOf(facts, USUAL_BYTES_PER_SECOND),
}

/** Cohere bills searches; others tokens. */
export const rerankMeter: OperationMeter = {
  most: (facts, bytesPerToken) => ({
    ...readTokens(facts, bytesPerToken),
    unit: 'searches',
    units: searchesOf(facts),
    eitherMeasure: true,
  }),
  read(answer) {
    const searches = searchUnits(answer)
    if (searches !== null) return unitsOf('searches', searches)
    return readToldUsage(answer) ?? readToldUsage({ usage: tokensIn(answer) })
  },
  guess: (facts) => ({
    ...unitsOf('searches', searchesOf(facts)),
    inputTokens: estimateTokens(facts.textBytes),
    eitherMeasure: true,
  }),
}

function searchUnits({ meta }: JsonObject): number | null {
  const billed = isObject(meta) ? meta['billed_units'] : null
  return isObject(billed) ? count(billed['search_units']) : null
}

function tokensIn({ meta }: JsonObject): unknown {
  return isObject(meta) ? (meta['tokens'] ?? meta['billed_units']) : null
}

/** A search is one query with up to a hundred documents (Cohere, "Pricing"). */
function searchesOf({ count: documents }: OperationFacts): number {
  return Math.max(1, Math.ceil(documents / 100))
}

function readTokens(facts: OperationFacts, bytesPerToken: number): Usage {
  return { ...NOTHING, inputTokens: Math.ceil(facts.textBytes / bytesPerToken) }
}

/** What is spoken of a text: the vendor's own rule of thumb is 1,250 tokens a minute, in which some 900 characters are read. */
function spokenTokens(characters: number): number {
  return Math.ceil((characters * 1_250) / 900)
}

function secondsOf(facts: OperationFacts, bytesPerSecond: number): Usage {
  const bytes = facts.uploadBytes > 0 ? facts.uploadBytes : UNKNOWN_UPLOAD_BYTES
  return unitsOf('seconds', bytes / bytesPerSecond)
}
