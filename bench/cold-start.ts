import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { freePort, startChild } from './children.ts'
import { ask } from './correctness.ts'
import { gatewayWords, readInstance, writeGatewayConfiguration } from './gateway.ts'
import { chatPath } from './nginx.ts'
import { chatRequest, virtualKey } from './payload.ts'
import { readMemory } from './processor-time.ts'
import type { ColdStartReport } from './results.ts'
import { spreadOf } from './statistics.ts'
import { targetWay } from './targets.ts'
import type { Stage } from './variants.ts'

type Way = {
  readonly name: string
  readonly words: readonly string[]
  /** An empty cache folder, or one filled by an earlier run. */
  readonly compileCache: 'cold' | 'warm'
}

const idleMs = 5000

/**
 * Starts the gateway again and again in each way, unpinned as a user would, each time with an empty data folder, and
 * measures the time from spawn to the first answer that came through the upstream and the memory after five seconds
 * of idling.
 */
export const measureColdStarts = async (
  stage: Stage,
  progress: (text: string) => void,
): Promise<readonly ColdStartReport[]> => {
  const reports: ColdStartReport[] = []
  for (const way of waysOf(stage, progress)) {
    const cache = mkdtempSync(join(stage.folder, 'compile-cache-'))
    // Until the compiled code is written, soon after a start.
    if (way.compileCache === 'warm') await startOnce(stage, way, cache, idleMs)
    const results: Start[] = []
    for (let start = 1; start <= stage.options.starts; start += 1) {
      progress(`S10 ${way.name}: start ${start} of ${stage.options.starts}`)
      if (way.compileCache === 'cold') rmSync(cache, { recursive: true, force: true })
      results.push(await startOnce(stage, way, cache, idleMs))
    }
    reports.push({
      way: way.name,
      starts: results.length,
      first_answer_ms: spreadOf(results.map((result) => result.firstAnswerMs))!,
      idle_rss_mb: spreadOf(results.map((result) => result.rssBytes / 1e6))!,
      idle_pss_mb: spreadOf(results.map((result) => result.pssBytes / 1e6))!,
    })
  }
  return reports
}

const waysOf = (stage: Stage, progress: (text: string) => void): readonly Way[] => {
  const given = stage.options.gatewayCommand
  if (given !== null) {
    return [
      { name: 'given command, cold compile cache', words: given, compileCache: 'cold' },
      { name: 'given command, warm compile cache', words: given, compileCache: 'warm' },
    ]
  }
  const emitted = join('dist', 'cli', 'main.js')
  const sources = [process.execPath, 'src/cli/main.ts']
  const ways: Way[] = [
    { name: 'sources, as the first npm start', words: sources, compileCache: 'cold' },
    { name: 'sources, as npm start', words: sources, compileCache: 'warm' },
  ]
  if (existsSync(join(stage.root, emitted))) {
    // The launcher takes the emitted program and turns the compile cache on, as for an installed package.
    const words = [process.execPath, join('bin', 'ferro')]
    ways.push({ name: 'emitted JavaScript, cold compile cache', words, compileCache: 'cold' })
    ways.push({ name: targetWay, words, compileCache: 'warm' })
  } else {
    progress(`S10: ${emitted} is missing, so only the sources are started; npm run build makes it`)
  }
  return ways
}

type Start = { readonly firstAnswerMs: number; readonly rssBytes: number; readonly pssBytes: number }

const startOnce = async (stage: Stage, way: Way, cache: string, restMs: number): Promise<Start> => {
  const folder = mkdtempSync(join(stage.folder, 'start-'))
  const ports = { data: await freePort(), control: await freePort(), upstream: stage.upstream.port }
  const files = writeGatewayConfiguration(folder, ports)
  const begin = performance.now()
  const child = startChild(gatewayWords(way.words, files), join(folder, 'output.log'), {
    folder: stage.root,
    environment: { NODE_COMPILE_CACHE: cache },
  })
  try {
    await firstAnswer(`http://127.0.0.1:${ports.data}${chatPath}`, () => {
      const ended = child.ended()
      if (ended !== null) throw new Error(`the gateway ended (${ended}):\n${child.lastOutput()}`)
      if (performance.now() - begin > 30_000) throw new Error(`no answer in 30 seconds:\n${child.lastOutput()}`)
    })
    const firstAnswerMs = performance.now() - begin
    await delay(restMs)
    const memory = readMemory(readInstance(files)?.processId ?? child.processId)
    return { firstAnswerMs, ...memory }
  } finally {
    // An orderly end also lets Node write its compile cache.
    await child.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

const firstAnswer = async (url: string, check: () => void): Promise<void> => {
  for (;;) {
    try {
      const answer = await ask(url, chatRequest, virtualKey)
      if (answer.status === 200) return
    } catch {
      // Nothing listens yet: asking again is the point.
    }
    check()
    await delay(2)
  }
}
