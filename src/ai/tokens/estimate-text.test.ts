import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { countTokens } from 'gpt-tokenizer/encoding/o200k_base'
import { estimateText, estimateTexts } from './estimate-text.ts'

const file = (path: string): string =>
  readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8').slice(0, 20_000)
const ENGLISH =
  'The gateway keeps a journal of what it reserved, so that a crash in the middle of a request never loses money. When a client leaves, the upstream is told at once, and what it had made until then is settled from its own report. '
const CHINESE = '网关保存它所预留的内容的日志,因此请求中途的崩溃永远不会丢失资金。当客户端离开时,上游会立即得到通知。'
const JAPANESE = 'ゲートウェイは予約した内容の記録を残すので、途中で障害が起きてもお金が失われることはありません。'
const KOREAN = '게이트웨이는 예약한 내용을 기록하므로 요청 도중에 문제가 생겨도 돈을 잃지 않습니다.'
const RUSSIAN =
  'Шлюз ведёт журнал того, что он зарезервировал, поэтому сбой посреди запроса никогда не приводит к потере денег. '
const GERMAN =
  'Das Tor führt ein Buch über das, was es vorgemerkt hat, damit ein Absturz mitten in einer Anfrage kein Geld kostet. '
const ARABIC = 'تحتفظ البوابة بسجل لما حجزته حتى لا يؤدي العطل في منتصف الطلب إلى ضياع المال. '
const JSON_TEXT = JSON.stringify(
  Array.from({ length: 40 }, (_, id) => ({
    id,
    name: `user-${id}`,
    active: id % 2 === 0,
    balance: id * 13.37,
    tags: ['a', 'beta'],
  })),
)

const SAMPLES: readonly (readonly [what: string, text: string, most: number])[] = [
  ['English prose', ENGLISH.repeat(20), 0.15],
  ['English documentation', file('docs/keys-and-limits.md'), 0.2],
  ['code', file('src/ai/models/price.ts'), 0.25],
  ['JSON', JSON_TEXT, 0.25],
  ['indented JSON', JSON.stringify(JSON.parse(JSON_TEXT), null, 2), 0.3],
  ['Chinese', CHINESE.repeat(20), 0.25],
  ['Japanese', JAPANESE.repeat(20), 0.3],
  ['Korean', KOREAN.repeat(20), 0.3],
  ['Russian', RUSSIAN.repeat(20), 0.25],
  ['German', GERMAN.repeat(20), 0.25],
  ['Arabic', ARABIC.repeat(20), 0.3],
]

test('is near what a tokenizer counts, in prose, code, JSON and other scripts', (t) => {
  for (const [what, text, most] of SAMPLES) {
    const exact = countTokens(text)
    const error = estimateText(text) / exact - 1
    t.diagnostic(`${what}: ${exact} tokens, estimated ${(error * 100).toFixed(0)} % off`)
    assert.ok(Math.abs(error) <= most, `${what}: ${exact} tokens, estimated ${estimateText(text)}`)
  }
})

test('counts nothing in nothing, and something in anything else', () => {
  assert.equal(estimateText(''), 0)
  for (const text of ['a', '1', '.', '\n', '字', '😀', 'é']) assert.ok(estimateText(text) >= 1, text)
})

test('of very much text a part stands for the whole, however it is divided', () => {
  const prose = ENGLISH.repeat(40_000)
  const all = estimateText(prose)
  for (const texts of [
    [prose],
    Array.from({ length: 40_000 }, () => ENGLISH),
    ['', prose.slice(0, 5), prose.slice(5)],
  ]) {
    const estimate = estimateTexts(texts)
    assert.ok(Math.abs(estimate / all - 1) < 0.1, `${estimate} of ${all}`)
  }
  assert.equal(estimateTexts([ENGLISH, CHINESE]), estimateText(ENGLISH) + estimateText(CHINESE))
})
