import { resolve } from 'node:path'
import type { RunningGateway } from '../app/index.ts'
import { findConfigFile } from '../config/index.ts'
import { renderBanner } from './banner.ts'
import { Failure } from './failure.ts'
import type { RunOptions } from './run-flags.ts'
import { packageVersion } from './version.ts'

/** Does what `ferro run` was asked to; resolves with the exit code when the gateway has ended. */
export async function run(options: RunOptions): Promise<number> {
  if (options.validateOnly === true) return await validateOnly(options)
  if (options.format !== undefined)
    throw new Failure('--format says how --validate-only answers: a start has no answer')
  // From the beginning: the signal would end the process, and asks for what a start does anyway.
  process.on('SIGHUP', ignore)
  const gateway = await start(options)
  obeySignals(gateway)
  const terminal = process.stdout.isTTY === true
  const about = { version: packageVersion(), createKeyCommand: createKeyCommand(options), terminal }
  process.stdout.write(renderBanner({ ...factsOf(gateway), ...about }))
  return await gateway.stopped
}

async function start({ config, dataDir, workers, listen, control }: RunOptions): Promise<RunningGateway> {
  const { startGateway, StartError } = await import('../app/index.ts')
  try {
    return await startGateway({
      version: packageVersion(),
      configPath: config === false ? null : (config ?? findConfigFile('.')),
      dataDir: dataDir ?? null,
      workers: workers ?? null,
      listen: listen ?? null,
      control: control ?? null,
    })
  } catch (error) {
    if (!(error instanceof StartError)) throw error
    throw new Failure(error.message, { details: error.details, cause: error })
  }
}

function obeySignals(gateway: RunningGateway): void {
  let stopping = false
  const stop = () => {
    if (stopping) return gateway.stopNow()
    stopping = true
    void gateway.drain()
  }
  process.on('SIGTERM', stop)
  process.on('SIGINT', stop)
  process.on('SIGHUP', () => void gateway.reload('SIGHUP'))
  process.off('SIGHUP', ignore)
}

function ignore(): void {
  // See where it is used.
}

async function validateOnly({ config, format = 'text' }: RunOptions): Promise<number> {
  if (config === false) throw new Failure('without a configuration there is nothing to check: leave out --no-config')
  const { validateCommand } = await import('./validate.ts')
  const args = ['--format', format, ...(config === undefined ? [] : ['--config', config])]
  await validateCommand().parseAsync(args, { from: 'user' })
  return typeof process.exitCode === 'number' ? process.exitCode : 0
}

function factsOf(gateway: RunningGateway) {
  const { dataUrl, listeners, controlUrl, configSource, routes, upstreams, providers } = gateway
  const { wantsKeys, firstKey, exampleVariable } = gateway
  const [dataDir, adminTokenFile] = [resolve(gateway.dataDir), resolve(gateway.adminTokenFile)]
  const traffic = { routes, upstreams, providers, wantsKeys, firstKey, exampleVariable }
  return { dataUrl, listeners, controlUrl, configSource, ...traffic, dataDir, adminTokenFile }
}

/** Within an npm script (`npm start`) the program is nowhere in the path of the person's own shell. */
function createKeyCommand({ config, dataDir }: RunOptions): string {
  const program = process.env['npm_lifecycle_event'] === undefined ? 'ferro' : './bin/ferro'
  const source = typeof config === 'string' ? ` --config ${shellWord(config)}` : config === false ? ' --no-config' : ''
  return `${program} keys create${source}${dataDir === undefined ? '' : ` --data-dir ${shellWord(dataDir)}`}`
}

function shellWord(text: string): string {
  return /^[\w./:@%+=-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
}
