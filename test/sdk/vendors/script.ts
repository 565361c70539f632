/*
 * What the mocks of vendors answer: one script a name, put into each vendor's form by the files beside this one. A model is
 * named `<the vendor's name>--<script>`, so that a test says by the model what it wants to hear.
 */

export interface ScriptCall {
  readonly name: string
  readonly input: Readonly<Record<string, unknown>>
}

export interface Script {
  readonly thought?: string
  readonly text?: string
  readonly calls?: readonly ScriptCall[]
  readonly stop: 'end' | 'calls' | 'length' | 'filter'
}

export const GREETING = 'Grüße aus Köln, "Sir": 世界 🏳️‍🌈 \\ end.'
export const THOUGHT = 'They ask for the weather.'
export const RESULT_SEEN = 'It is 21 degrees in Paris.'
export const WEATHER: ScriptCall = { name: 'get_weather', input: { city: 'Paris', days: [1, 2.5], deep: { ok: true } } }
const TIME: ScriptCall = { name: 'get_time', input: { zone: 'Europe/Paris' } }

const WEATHER_SCRIPTS: Readonly<Record<string, Script>> = {
  call: { calls: [WEATHER], stop: 'calls' },
  'text-call': { text: 'I will look.', calls: [WEATHER], stop: 'calls' },
  parallel: { calls: [WEATHER, TIME], stop: 'calls' },
  'empty-call': { calls: [{ name: 'now', input: {} }], stop: 'calls' },
  'thought-call': { thought: THOUGHT, calls: [WEATHER], stop: 'calls' },
}

export const SCRIPTS: Readonly<Record<string, Script>> = {
  ...WEATHER_SCRIPTS,
  text: { text: GREETING, stop: 'end' },
  thought: { thought: THOUGHT, text: GREETING, stop: 'end' },
  json: { text: '{"city":"Paris","degrees":21}', stop: 'end' },
  length: { text: 'Once upon a', stop: 'length' },
  filter: { text: 'I can', stop: 'filter' },
}

/** What follows the results of calls, whatever the script. */
export const AFTER_RESULT: Script = { text: RESULT_SEEN, stop: 'end' }

/** What every answer used, by each vendor's own way of counting. */
export const USED = { input: 25, output: 15 } as const

/** Two pieces, never cut within a character. */
export function halves(text: string): string[] {
  const characters = Array.from(text)
  const middle = Math.ceil(characters.length / 2)
  return [characters.slice(0, middle).join(''), characters.slice(middle).join('')].filter((half) => half !== '')
}
