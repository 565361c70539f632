import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { geminiCounts } from './token-counts.ts'

const VERTEX = '/v1/projects/p/locations/l/publishers/google/models/gemini-3-pro:generateContent'
const OWN = '/v1beta/models/gemini-3-pro:generateContent'
const contents = [{ role: 'user', parts: [{ text: 'Hi', zzz: 1 }] }]
const tools = [{ googleSearch: { timeRangeFilter: {} } }]

function sent(body: Parameters<NonNullable<typeof geminiCounts.ownBody>>[0], path: string): unknown {
  const own = geminiCounts.ownBody?.(body, 'gemini-3-pro', path) ?? null
  return own === null ? null : (geminiCounts.atPath?.(own, path) ?? own)
}

suite('a Gemini client’s own body that is counted', () => {
  test('keeps every member that the path of Vertex AI takes, from either form', () => {
    const counted = { contents, tools, generationConfig: { responseLogprobs: true } }
    assert.deepEqual(sent(counted, VERTEX), counted)
    const whole = { model: 'models/fast', ...counted, safetySettings: [] }
    assert.deepEqual(sent({ generateContentRequest: whole }, VERTEX), counted)
  })

  test('is written anew for Vertex AI where it is spelt as that does not take it', () => {
    assert.equal(sent({ contents: [{ parts: [{ text: 'Hi' }] }] }, VERTEX), null)
    assert.equal(sent({ contents, system_instruction: { parts: [{ text: 'rule' }] } }, VERTEX), null)
  })

  test('goes to the vendor’s own API as it is, with the name of the model there', () => {
    assert.deepEqual(sent({ contents, tools }, OWN), { contents, tools })
    assert.deepEqual(sent({ generateContentRequest: { model: 'models/fast', contents } }, OWN), {
      generateContentRequest: { model: 'models/gemini-3-pro', contents },
    })
  })
})
