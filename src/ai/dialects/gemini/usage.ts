import type { TokenUsage } from '../../ir/answer.ts'
import { isObject, type JsonObject } from '../../ir/json.ts'
import { tokenCount } from '../../ir/token-count.ts'
import { camelMembers } from './spelling.ts'

/**
 * `UsageMetadata` as disjoint counters. promptTokenCount contains cachedContentTokenCount (Vertex sometimes leaves it
 * out: then the total tells), but neither toolUsePromptTokenCount nor thoughtsTokenCount, which stand beside it and
 * beside candidatesTokenCount. The details say which modality the tokens of each counter are of.
 */
export function decodeUsage(usage: JsonObject, searches: number): TokenUsage {
  const prompt = count(usage['promptTokenCount'])
  const cached = count(usage['cachedContentTokenCount'])
  const tools = count(usage['toolUsePromptTokenCount'])
  const candidates = count(usage['candidatesTokenCount'])
  const thoughts = count(usage['thoughtsTokenCount'])
  const total = count(usage['totalTokenCount'])
  const beside = cached > prompt || (cached > 0 && total === prompt + cached + tools + candidates + thoughts)
  const uncached = beside ? prompt : prompt - cached
  const within = thoughts > 0 && thoughts <= candidates && total === prompt + (beside ? cached : 0) + tools + candidates

  const [audioIn, imageIn, textIn] = share(uncached + tools, (modality) =>
    Math.max(
      0,
      details(usage['promptTokensDetails'], modality) -
        (beside ? 0 : details(usage['cacheTokensDetails'], modality)) +
        details(usage['toolUsePromptTokensDetails'], modality),
    ),
  )
  const [audioOut, imageOut, textOut] = share(candidates - (within ? thoughts : 0), (modality) =>
    details(usage['candidatesTokensDetails'], modality),
  )
  return {
    input: textIn,
    output: textOut,
    ...(cached > 0 && { cacheRead: cached }),
    ...(thoughts > 0 && { reasoning: thoughts }),
    ...(audioIn > 0 && { audioInput: audioIn }),
    ...(imageIn > 0 && { imageInput: imageIn }),
    ...(audioOut > 0 && { audioOutput: audioOut }),
    ...(imageOut > 0 && { imageOutput: imageOut }),
    ...(searches > 0 && { webSearches: searches }),
  }
}

/** What of a counter is sound, what is image, and the rest; never more than there is. */
function share(whole: number, of: (modality: string) => number): readonly [number, number, number] {
  const audio = Math.min(whole, of('AUDIO'))
  const image = Math.min(whole - audio, of('IMAGE'))
  return [audio, image, whole - audio - image]
}

function details(list: unknown, modality: string): number {
  if (!Array.isArray(list)) return 0
  let sum = 0
  for (const item of list) if (isObject(item) && item['modality'] === modality) sum += count(item['tokenCount'])
  return sum
}

function count(value: unknown): number {
  return tokenCount(value) ?? 0
}

export function encodeUsage(usage: TokenUsage): JsonObject {
  const { cacheRead = 0, cacheWrite = 0, cacheWrite1h = 0, reasoning = 0 } = usage
  const { audioInput = 0, imageInput = 0, audioOutput = 0, imageOutput = 0 } = usage
  const prompt = usage.input + cacheRead + cacheWrite + cacheWrite1h + audioInput + imageInput
  const candidates = usage.output + audioOutput + imageOutput
  return {
    promptTokenCount: prompt,
    candidatesTokenCount: candidates,
    totalTokenCount: prompt + candidates + reasoning,
    ...(cacheRead > 0 && { cachedContentTokenCount: cacheRead }),
    ...(reasoning > 0 && { thoughtsTokenCount: reasoning }),
    ...(audioInput + imageInput > 0 && {
      // Nobody says what the cached tokens are: they count as text, on both lists.
      promptTokensDetails: modalities(prompt - audioInput - imageInput, audioInput, imageInput),
    }),
    ...(audioOutput + imageOutput > 0 && {
      candidatesTokensDetails: modalities(usage.output, audioOutput, imageOutput),
    }),
  }
}

function modalities(text: number, audio: number, image: number): readonly JsonObject[] {
  return [
    { modality: 'TEXT', tokenCount: text },
    { modality: 'AUDIO', tokenCount: audio },
    { modality: 'IMAGE', tokenCount: image },
  ].filter(({ tokenCount }) => tokenCount > 0)
}

/** Tiers by the words of `usageMetadata.serviceTier` and of Vertex's `trafficType`. */
const TIERS: Readonly<Record<string, string>> = {
  standard: 'default',
  flex: 'flex',
  priority: 'priority',
  ON_DEMAND: 'default',
  ON_DEMAND_FLEX: 'flex',
  ON_DEMAND_PRIORITY: 'priority',
  PROVISIONED_THROUGHPUT: 'provisioned',
  TRAFFIC_TYPE_UNSPECIFIED: 'default',
  unspecified: 'default',
}

/** A word that is not known here stays as it is: nobody shall take it for the ordinary tier. */
export function tierOf(usage: JsonObject): string | undefined {
  const word = usage['serviceTier'] ?? usage['trafficType']
  if (typeof word !== 'string' || word === '') return undefined
  const bare = word.replace(/^service_tier_/i, '')
  return TIERS[bare] ?? TIERS[bare.toLowerCase()] ?? bare.toLowerCase()
}

/** What a whole answer tells of its usage, in either spelling. */
export function usageOfAnswer(answer: JsonObject): TokenUsage | null {
  const searches = new SearchCount()
  searches.read(answer)
  return usageOfChunk(answer, searches.total)
}

/** What one chunk tells of the usage so far; null for nothing. */
export function usageOfChunk(chunk: JsonObject, searches: number): TokenUsage | null {
  const { usageMetadata } = camelMembers(chunk)
  return isObject(usageMetadata) ? usageOf(camelMembers(usageMetadata), searches) : null
}

/** The counters and the tier, of metadata in the vendor's own spelling. */
export function usageOf(metadata: JsonObject, searches: number): TokenUsage {
  const tier = tierOf(metadata)
  const usage = decodeUsage(metadata, searches)
  return tier === undefined ? usage : { ...usage, tier }
}

/** Counts the searches of an answer's candidates, chunk by chunk: a later list of one candidate's replaces the earlier. */
export class SearchCount {
  readonly #queries = new Map<number, number>()

  get total(): number {
    let total = 0
    for (const queries of this.#queries.values()) total += queries
    return total
  }

  read(chunk: JsonObject): void {
    const { candidates } = chunk
    if (!Array.isArray(candidates)) return
    for (const [at, item] of candidates.entries()) {
      if (!isObject(item)) continue
      const { index, groundingMetadata: grounding } = camelMembers(item)
      const queries = isObject(grounding) ? camelMembers(grounding)['webSearchQueries'] : undefined
      if (Array.isArray(queries)) this.#queries.set(typeof index === 'number' ? index : at, queries.length)
    }
  }
}
