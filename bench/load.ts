import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { virtualKey } from './payload.ts'
import type { LoadScenario } from './scenarios.ts'
import { pinned, type Stage } from './variants.ts'

/** What the load generator saw in one block. */
export type LoadResult = {
  readonly requests: number
  readonly requestsPerSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly maxMs: number
  /** Answers above 399, socket errors and time-outs. */
  readonly failures: number
}

type LoadSummary = {
  readonly requests: number
  readonly micros: number
  readonly p50: number
  readonly p99: number
  readonly max: number
  readonly failures: number
}

/** What a block of load is made of. */
export type Load = Pick<LoadScenario, 'setting' | 'body' | 'protocol'> & {
  readonly url: string
  readonly connections: number
  readonly seconds: number
}

/** Drives `connections` closed loops against `url` for `seconds`, with one thread of wrk where requests are HTTP. */
export const runLoad = async (stage: Stage, load: Load): Promise<LoadResult> => {
  const words = pinned(stage, 'load', load.protocol === 'http' ? wrkWords(stage, load) : echoWords(load))
  const { stdout } = await promisify(execFile)(words[0]!, words.slice(1), { timeout: (load.seconds + 30) * 1000 })
  const line = /^summary (\{.*\})$/m.exec(stdout)?.[1]
  if (line === undefined) throw new Error(`the load printed no summary:\n${stdout}`)
  const summary = JSON.parse(line) as LoadSummary // printed by this folder's own script or program
  return {
    requests: summary.requests,
    requestsPerSecond: (summary.requests * 1e6) / summary.micros,
    p50Ms: summary.p50 / 1000,
    p99Ms: summary.p99 / 1000,
    maxMs: summary.max / 1000,
    failures: summary.failures,
  }
}

const echoWords = (load: Load): readonly string[] => [
  process.execPath,
  join(import.meta.dirname, 'echo-load.ts'),
  load.url,
  String(load.connections),
  String(load.seconds),
]

const wrkWords = (stage: Stage, load: Load): readonly string[] => {
  const script = join(stage.folder, 'load.lua')
  writeFileSync(script, luaScript(load))
  return [stage.tools.wrk, '-t1', `-c${load.connections}`, `-d${load.seconds}s`, '-T5s', '-s', script, load.url]
}

const luaScript = ({ setting, body }: Load): string => `
${body === null ? '' : `wrk.method = 'POST'\nwrk.body = '${body}'\nwrk.headers['Content-Type'] = 'application/json'`}
${setting === 'chat' ? `wrk.headers['Authorization'] = 'Bearer ${virtualKey}'` : ''}
function done(summary, latency, requests)
  local e = summary.errors
  io.write(string.format(
    'summary {"requests":%d,"micros":%d,"p50":%d,"p99":%d,"max":%d,"failures":%d}\\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), latency.max,
    e.connect + e.read + e.write + e.status + e.timeout))
end
`
