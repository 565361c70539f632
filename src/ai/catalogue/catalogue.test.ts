import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import { calcPrice, findProvider } from '@pydantic/genai-prices'
import fc from 'fast-check'
import { correctionOf } from '../../../tools/catalogue/corrections.ts'
import { PRICED_PROVIDERS } from '../../../tools/catalogue/providers.ts'
import { chargeBy } from '../models/charge.ts'
import { dearestRule, type Usage } from '../models/price.ts'
import { withWays } from '../models/service-tier.ts'
import { Catalogue, packagedCatalogue } from './catalogue.ts'

const catalogue = packagedCatalogue()
const NOTHING: Usage = { inputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0, outputTokens: 0, reasoningTokens: 0 }
/** Behind the data's own day. */
const NOW = Date.UTC(2026, 10, 22, 12)
const LATER = Date.UTC(2027, 5, 1, 12)

const ORACLE = PRICED_PROVIDERS.flatMap(([source, provider, suffix = '']) => {
  const found = findProvider({ providerId: source })
  assert.ok(found !== undefined, source)
  return found.models.map((model) => ({ provider, source: found, model, id: `${model.id}${suffix}` }))
})

/** Units that this catalogue does not price: pages, stored searches, video, citations, messages. */
const UNPRICED = /page|storage|video|citation|messages|audio_hours|requests/

test('prices every model as an independent calculator does, whatever was used and whenever', () => {
  const count = fc.oneof(fc.integer({ min: 0, max: 5_000 }), fc.integer({ min: 0, max: 700_000 }))
  const rare = fc.oneof({ weight: 5, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: count })
  const usages = fc.record({
    inputTokens: count,
    cacheReadTokens: count,
    cacheWriteTokens: count,
    cacheWrite1hTokens: rare,
    audioInputTokens: rare,
    imageInputTokens: count,
    outputTokens: count,
    reasoningTokens: count,
    audioOutputTokens: rare,
    imageOutputTokens: rare,
    webSearches: fc.oneof(
      { weight: 3, arbitrary: fc.constant(0) },
      { weight: 1, arbitrary: fc.integer({ min: 0, max: 20 }) },
    ),
  })
  const rows = ORACLE.filter(({ model }) => {
    const prices = Array.isArray(model.prices) ? model.prices.map((each) => each.prices) : [model.prices]
    // A model that is matched by another's pattern first has that one's price there.
    return (
      prices.every((price) => Object.keys(price).length > 0) &&
      !prices.some((price) => Object.keys(price).some((key) => UNPRICED.test(key)))
    )
  })
  let compared = 0
  fc.assert(
    fc.property(fc.nat(), usages, fc.constantFrom(NOW, LATER), (number, drawn, at) => {
      const row = rows[number % rows.length]
      assert.ok(row !== undefined)
      const correction = correctionOf(row.provider, row.id)
      if (correction === 'whole') return
      // Rates of our own are for what the other calculator has no price of, or a wrong one.
      const usage = correction === null ? drawn : { ...drawn, ...CORRECTED }
      const found = calcPrice(toTheirs(usage), row.model.id, { provider: row.source, timestamp: new Date(at) })
      if (found === null || found.model.id !== row.model.id) return
      const prices = catalogue.find(row.provider, row.id)?.prices
      assert.ok(prices !== undefined && prices !== null, `${row.provider}/${row.id} has no price`)
      const charge = chargeBy(prices, usage, at)
      // What has no rate is left out there.
      if (charge.nanos === null) return
      const lines = 11
      const ours = charge.nanos / 1e9
      const close = Math.abs(ours - found.total_price) <= (lines * 0.5 + 1) / 1e9 + found.total_price * 1e-12
      assert.ok(close, `${charge.rule}: ${ours} and ${found.total_price} for ${JSON.stringify(usage)}`)
      const input = sum(usage, [
        'inputTokens',
        'cacheReadTokens',
        'cacheWriteTokens',
        'cacheWrite1hTokens',
        'audioInputTokens',
        'imageInputTokens',
      ])
      const output = sum(usage, ['outputTokens', 'reasoningTokens', 'audioOutputTokens', 'imageOutputTokens'])
      const worst = dearestRule(prices, input, output, { atMs: at }).nanos
      const searchless = chargeBy(prices, { ...usage, webSearches: 0 }, at).leastNanos
      assert.ok(worst + lines >= searchless, `${charge.rule}: reserved ${worst}`)
      compared++
    }),
    { numRuns: 6_000, seed: 7 },
  )
  assert.ok(compared > 1_000, `${compared} were compared`)
})

const CORRECTED = {
  cacheWrite1hTokens: 0,
  audioInputTokens: 0,
  audioOutputTokens: 0,
  imageOutputTokens: 0,
  webSearches: 0,
}

function sum(usage: Usage, names: readonly (keyof Usage)[]): number {
  return names.reduce((total, name) => total + Number(usage[name] ?? 0), 0)
}

function toTheirs(usage: Usage): Record<string, number> {
  const at = (name: keyof Usage) => Number(usage[name] ?? 0)
  const input = sum(usage, [
    'inputTokens',
    'cacheReadTokens',
    'cacheWriteTokens',
    'cacheWrite1hTokens',
    'audioInputTokens',
    'imageInputTokens',
  ])
  return {
    input_tokens: input,
    cache_read_tokens: at('cacheReadTokens'),
    cache_write_tokens: at('cacheWriteTokens') + at('cacheWrite1hTokens'),
    cache_write_1h_tokens: at('cacheWrite1hTokens'),
    input_audio_tokens: at('audioInputTokens'),
    input_image_tokens: at('imageInputTokens'),
    output_tokens: sum(usage, ['outputTokens', 'reasoningTokens', 'audioOutputTokens', 'imageOutputTokens']),
    output_reasoning_tokens: at('reasoningTokens'),
    output_audio_tokens: at('audioOutputTokens'),
    output_image_tokens: at('imageOutputTokens'),
    cache_audio_read_tokens: 0,
    cache_image_read_tokens: 0,
    web_searches: at('webSearches'),
  }
}

test('finds an id exactly, by the names that its vendor documents, and nothing by a part of it', () => {
  const key = (provider: string, id: string) => catalogue.find(provider, id)?.key ?? null
  assert.equal(key('openai', 'gpt-4o'), 'openai/gpt-4o')
  assert.equal(key('anthropic', 'claude-sonnet-4'), 'anthropic/claude-sonnet-4-0')
  assert.notEqual(key('anthropic', 'claude-sonnet-4-5-20250929'), null)
  // A7: a model that the catalogue does not have must not be priced as one whose name it begins with.
  for (const id of [
    'gpt-4o-',
    'gpt-4',
    'gpt-5-nano-2099-01-01',
    'gpt-4o-mini-2',
    'GPT-4O',
    'gpt-4o\t',
    'gpt-4o\n',
    '',
  ]) {
    const found = key('openai', id)
    assert.ok(found === null || found === `openai/${id}`, `${id} is ${found}`)
  }
  assert.equal(key('openai', 'gpt-5-nano-2099-01-01'), null)
  assert.equal(key('nobody', 'gpt-4o'), null)
})

test("a cloud that sells a vendor's models at its price has them by their own names", () => {
  assert.equal(
    catalogue.find('azure-openai', 'gpt-4o')?.prices?.input,
    catalogue.find('openai', 'gpt-4o')?.prices?.input,
  )
  assert.ok(catalogue.find('vertex-ai', 'gemini-2.5-pro') !== null)
})

function at(id: string, usage: Partial<Usage>, ms = NOW): [rule: string, nanos: number | null] {
  const [provider = '', ...rest] = id.split('/')
  const prices = catalogue.find(provider, rest.join('/'))?.prices
  assert.ok(prices !== undefined && prices !== null, id)
  const charge = chargeBy(prices, { ...NOTHING, ...usage }, ms)
  return [charge.rule, charge.nanos]
}

const MILLION = { inputTokens: 1_000_000 }

test('a cloud that sells a model at its vendor’s price has the rules of the vendor: long contexts, sound, searches', () => {
  assert.deepEqual(at('vertex-ai/gemini-2.5-pro', MILLION), [
    'catalogue:vertex-ai/gemini-2.5-pro#above-200k',
    2_500_000_000,
  ])
  assert.deepEqual(at('gemini/gemini-2.5-pro', MILLION)[1], 2_500_000_000)
  assert.deepEqual(at('azure-openai/gpt-5.4', MILLION), ['catalogue:azure-openai/gpt-5.4#above-272k', 5_000_000_000])
  assert.deepEqual(at('azure-openai/gpt-5', { ...MILLION, serviceTier: 'batch' })[1], 625_000_000)
  const heard = { audioInputTokens: 100_000 }
  assert.deepEqual(at('vertex-ai/gemini-2.5-flash', heard)[1], 100_000_000)
  assert.deepEqual(at('vertex-ai/gemini-2.5-pro', heard)[1], 125_000_000)
})

test('Bedrock’s ids of a region have the price of a region, and writes for an hour cost twice the input', () => {
  const written = { cacheWrite1hTokens: 1_000_000 }
  const id = 'anthropic.claude-sonnet-4-5-20250929-v1:0'
  assert.equal(at(`bedrock/us.${id}`, MILLION)[1], 3_300_000_000)
  assert.equal(at(`bedrock/global.${id}`, MILLION)[1], 3_000_000_000)
  assert.equal(at(`bedrock/us.${id}`, written)[1], 6_600_000_000)
  assert.equal(at(`bedrock/global.${id}`, written)[1], 6_000_000_000)
  const older = 'bedrock/anthropic.claude-3-7-sonnet-20250219-v1:0'
  assert.deepEqual(at(older, written), [`catalogue:${older}+unpriced:cache_write_1h`, null])
})

test('searches cost what the vendor takes: each from Gemini 3 on, and each answer that searched before', () => {
  const searched = { webSearches: 3 }
  assert.equal(at('gemini/gemini-3-pro-preview', searched)[1], 42_000_000)
  assert.equal(at('gemini/gemini-2.5-pro', searched)[1], 35_000_000)
  assert.equal(at('vertex-ai/gemini-2.5-flash', searched)[1], 35_000_000)
  assert.equal(at('anthropic/claude-opus-4-5', searched)[1], 30_000_000)
  const unpriced = ['catalogue:anthropic/claude-3-haiku+unpriced:web_search', null]
  assert.deepEqual(at('anthropic/claude-3-haiku', searched), unpriced)
})

test('a tier, a speed or a region that no rule names is never the ordinary price', () => {
  const model = 'catalogue:openai/gpt-5.4'
  assert.deepEqual(at('openai/gpt-5.4', { inputTokens: 1_000, serviceTier: 'priority' }), [
    `${model}#priority`,
    5_000_000,
  ])
  assert.deepEqual(at('openai/gpt-5.4', { inputTokens: 1_000, serviceTier: 'fast' }), [`${model}#fast`, 5_000_000])
  assert.deepEqual(at('openai/gpt-5.4', { inputTokens: 1_000, serviceTier: 'scale' }), [
    `${model}+unpriced:service_tier=scale`,
    null,
  ])
  assert.deepEqual(at('gemini/gemini-2.5-pro', { inputTokens: 1_000, serviceTier: 'flex' })[1], 625_000)
  assert.deepEqual(at('gemini/gemini-2.5-pro', { inputTokens: 1_000, serviceTier: 'priority' }), [
    'catalogue:gemini/gemini-2.5-pro+unpriced:service_tier=priority',
    null,
  ])
  assert.equal(
    at('openai/gpt-5.4', { ...MILLION, serviceTier: 'priority' })[0],
    `${model}#above-272k+unpriced:service_tier=priority`,
  )
  const opus = 'catalogue:anthropic/claude-opus-4-6'
  assert.deepEqual(at('anthropic/claude-opus-4-6', { ...MILLION, speed: 'fast' }), [`${opus}#fast`, 30_000_000_000])
  assert.deepEqual(at('anthropic/claude-opus-4-6', { ...MILLION, region: 'us' }), [`${opus}#us`, 5_500_000_000])
  assert.deepEqual(at('anthropic/claude-opus-4-6', { ...MILLION, speed: 'fast', region: 'us' }), [
    `${opus}#us,fast`,
    33_000_000_000,
  ])
  assert.deepEqual(at('anthropic/claude-haiku-4-5', { ...MILLION, speed: 'fast' })[1], null)
})

test('corrections of ours: sound, speech, moderation, rerankers, names that lead elsewhere', () => {
  assert.equal(at('openai/gpt-4o-audio-preview', { audioInputTokens: 1_000, audioOutputTokens: 1_000 })[1], 120_000_000)
  assert.equal(at('openai/tts-1', { units: 1_000, unit: 'characters' })[1], 15_000_000)
  assert.deepEqual(at('openai/omni-moderation-latest', MILLION), ['catalogue:openai/omni-moderation-latest', 0])
  assert.equal(at('cohere/rerank-v3.5', { units: 1, unit: 'searches' })[1], 2_000_000)
  assert.equal(at('cohere/embed-english-v3.0', MILLION)[1], 100_000_000)
  assert.equal(at('mistral/mistral-large-latest', MILLION)[1], 500_000_000)
  assert.equal(at('deepseek/deepseek-chat', MILLION)[1], at('deepseek/deepseek-v4-flash', MILLION)[1])
  assert.equal(at('xai/grok-4', MILLION)[1], 6_000_000_000)
  assert.equal(at('ai21/jamba-mini', MILLION)[1], 200_000_000)
  assert.equal(at('sambanova/gpt-oss-120b', MILLION)[1], 220_000_000)
  // An answer of theirs pays for a search that nobody counts.
  assert.equal(catalogue.find('openai', 'gpt-4o-search-preview')?.prices, null)
  assert.equal(catalogue.find('anthropic', 'claude-3-7-sonnet-latest')?.reasoning, 'budget')
  assert.equal(catalogue.find('xai', 'grok-4')?.vision, true)
})

test('every correction names the page of the vendor and the day', () => {
  const text = readFileSync(new URL('../../../tools/catalogue/corrections.ts', import.meta.url), 'utf8')
  assert.equal(text.match(/\bread: READ,/g)?.length, text.match(/\bpage: (?:'https:\/\/|[A-Z_]+,)/g)?.length)
})

test('A6: rules with conditions have names of their own, and the price that applies', () => {
  const million = MILLION
  assert.deepEqual(at('openai/gpt-5.4', { inputTokens: 1_000 }), ['catalogue:openai/gpt-5.4', 2_500_000])
  assert.deepEqual(at('openai/gpt-5.4', million), ['catalogue:openai/gpt-5.4#above-272k', 5_000_000_000])
  assert.deepEqual(at('openai/gpt-5', { ...million, serviceTier: 'flex' }), [
    'catalogue:openai/gpt-5#flex',
    625_000_000,
  ])
  assert.deepEqual(at('openai/gpt-5', { ...million, serviceTier: 'priority' }), [
    'catalogue:openai/gpt-5#priority',
    2_500_000_000,
  ])
  assert.deepEqual(at('openai/gpt-5', withWays({ ...NOTHING, ...million }, { tier: 'default' })), [
    'catalogue:openai/gpt-5',
    1_250_000_000,
  ])
  assert.deepEqual(at('gemini/gemini-3.6-flash', million), ['catalogue:gemini/gemini-3.6-flash', 750_000_000])
  assert.deepEqual(at('gemini/gemini-3.6-flash', million, LATER), [
    'catalogue:gemini/gemini-3.6-flash#from-2027-01-01',
    1_500_000_000,
  ])
  const cached = {
    cacheReadTokens: 1_000_000,
    cacheWriteTokens: 1_000_000,
    cacheWrite1hTokens: 1_000_000,
    webSearches: 3,
  }
  assert.deepEqual(at('anthropic/claude-opus-4-5', cached), [
    'catalogue:anthropic/claude-opus-4-5',
    500_000_000 + 6_250_000_000 + 10_000_000_000 + 30_000_000,
  ])
  assert.deepEqual(at('openai/whisper-1', { units: 60, unit: 'seconds' }), ['catalogue:openai/whisper-1', 6_000_000])
})

test('knows what reasoning models refuse, and nothing of models that nobody documented', () => {
  assert.ok(catalogue.find('openai', 'gpt-5')?.refuses.includes('temperature'))
  assert.deepEqual(catalogue.find('openai', 'gpt-5-chat-latest')?.refuses, [])
  assert.deepEqual(catalogue.find('openai', 'gpt-5.1')?.refuses, [])
  assert.equal(catalogue.find('anthropic', 'claude-opus-4-7')?.reasoning, 'adaptive')
  assert.equal(catalogue.find('gemini', 'gemini-2.5-pro')?.reasoning, 'budget')
})

test('holds two thousand models, each line of which can be read', () => {
  const text = readFileSync(new URL('../../../data/catalogue.txt', import.meta.url), 'utf8')
  const keys = text.split('\n').filter((line) => /^[^#@\t]+\t/.test(line))
  const models = keys.filter((line) => !line.includes('\t='))
  assert.ok(models.length >= 2_000, `${models.length} models`)
  for (const line of keys) {
    const [key = ''] = line.split('\t')
    const slash = key.indexOf('/')
    const model = catalogue.find(key.slice(0, slash), key.slice(slash + 1))
    assert.ok(model !== null, key)
    for (const rule of [model.prices, ...(model.prices?.conditional ?? [])]) {
      for (const rate of Object.values(rule ?? {}))
        assert.ok(typeof rate !== 'number' || (Number.isSafeInteger(rate) && rate >= 0), key)
    }
  }
  assert.match(text, /# From @pydantic\/genai-prices [\d.]+ \(MIT/)
})

test("an operator's file comes first, and is refused by line when it is wrong", (t: TestContext) => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'ferro-models-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const file = path.join(folder, 'models.txt')
  const line = `openai/gpt-4o\t${JSON.stringify({ c: 7, p: { i: 1, o: 2 } })}`
  writeFileSync(file, `${line}\nmine/tiny\t=other\nmine/other\t{"p":{"i":0.5}}`)
  const own = new Catalogue(file)
  assert.deepEqual(
    [own.find('openai', 'gpt-4o')?.contextTokens, own.find('openai', 'gpt-4o')?.prices?.output],
    [7, 2e9],
  )
  assert.equal(own.find('mine', 'tiny')?.prices?.input, 500_000_000)
  assert.ok(own.find('openai', 'gpt-4o-mini') !== null)
  for (const bad of [
    'openai/gpt-4o {}',
    'openai/gpt-4o\t{',
    'openai/gpt-4o\t[]',
    'a/b\t{"p":{"i":-1}}',
    'a/b\t{"p":{"i":"x"}}',
  ]) {
    writeFileSync(file, `# mine\n${bad}\n`)
    assert.throws(() => new Catalogue(file), /models\.txt, line 2: /, bad)
  }
})
