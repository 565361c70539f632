import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { killChildren } from './children.ts'
import { measureColdStarts } from './cold-start.ts'
import { checkAnswers } from './correctness.ts'
import { machineFacts } from './machine.ts'
import { measureLevel } from './measure.ts'
import { loadedGateway, type Options, parseOptions, usage } from './options.ts'
import { renderText } from './report.ts'
import { type ColdStartReport, type LevelReport, type Report, summarizeLevel } from './results.ts'
import { type LoadScenario, loadScenarios } from './scenarios.ts'
import { judgeTargets } from './targets.ts'
import { findTools } from './tools.ts'
import { type Mocks, type Stage, startMocks, startVariant, type Variant } from './variants.ts'

const run = async (options: Options, folder: string): Promise<Report> => {
  const root = resolve(import.meta.dirname, '..')
  const tools = findTools(options.pin)
  const stage = { root, folder, tools, options }
  const mocks = await startMocks(stage)
  const levels: LevelReport[] = []
  let coldStarts: readonly ColdStartReport[] = []
  for (const id of options.scenarios) {
    if (id === 'S10') {
      const upstream = { ...loadScenarios.S2, port: mocks.instant }
      coldStarts = await measureColdStarts({ ...stage, upstream }, progress)
    } else {
      levels.push(...(await runScenario(stage, mocks, loadScenarios[id])))
    }
  }
  await mocks.stop()
  return {
    machine: machineFacts(root, tools.nginxVersion, tools.wrkVersion),
    method: {
      rounds: options.rounds,
      block_seconds: options.blockSeconds,
      warmup_seconds: options.warmupSeconds,
      pinned:
        tools.taskset === null || options.pin === null
          ? 'not pinned'
          : `measured program on processor ${options.pin.measured}, load and mock on ${options.pin.load}`,
      gateway: loadedGateway(options).join(' '),
    },
    levels,
    cold_starts: coldStarts,
    targets: judgeTargets(levels, coldStarts),
  }
}

/** Every level gets freshly started programs: the luck of one process's compiler does not colour a whole scenario. */
const runScenario = async (
  stage: Omit<Stage, 'upstream'>,
  mocks: Mocks,
  scenario: LoadScenario,
): Promise<readonly LevelReport[]> => {
  const levels: LevelReport[] = []
  for (const connections of stage.options.connections ?? scenario.connections) {
    progress(`${scenario.id} (${scenario.title}), ${connections} connections`)
    const folder = join(stage.folder, `${scenario.id}-${connections}`)
    mkdirSync(folder)
    const levelStage = {
      ...stage,
      folder,
      upstream: { ...scenario, port: mocks[scenario.upstream] },
    }
    const variants: Variant[] = []
    for (const name of stage.options.variants.filter((each) => scenario.variants.includes(each))) {
      variants.push(await startVariant(name, levelStage))
    }
    for (const variant of variants) await checkAnswers(variant, scenario)
    levels.push(summarizeLevel(scenario, connections, await measureLevel(levelStage, scenario, connections, variants)))
    for (const variant of variants) await variant.stop()
    rmSync(folder, { recursive: true, force: true })
  }
  return levels
}

const progress = (text: string): void => {
  process.stderr.write(`bench: ${text}\n`)
}

const main = async (): Promise<void> => {
  const options = parseOptions(process.argv.slice(2))
  if (options === 'help') {
    console.log(usage)
    return
  }
  const folder = mkdtempSync(join(tmpdir(), 'ferro-bench-'))
  const interrupted = (): void => {
    killChildren()
    rmSync(folder, { recursive: true, force: true })
    process.exit(130)
  }
  process.once('SIGINT', interrupted)
  process.once('SIGTERM', interrupted)
  try {
    const report = await run(options, folder)
    const json = `${JSON.stringify(report, null, 2)}\n`
    if (options.output !== null) writeFileSync(options.output, json)
    process.stdout.write(options.format === 'json' ? json : renderText(report))
  } finally {
    killChildren()
    rmSync(folder, { recursive: true, force: true })
  }
}

try {
  await main()
} catch (error) {
  process.stderr.write(`bench: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
}
