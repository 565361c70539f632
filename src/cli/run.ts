import { resolve } from 'node:path'
import { Command, InvalidArgumentError } from 'commander'
import type { RunningGateway } from '../app/index.ts'
import { CONFIG_FILE_NAMES, findConfigFile, type ListenAddress, parseListen } from '../config/index.ts'
import { renderBanner } from './banner.ts'
import { Failure } from './failure.ts'
import { packageVersion } from './version.ts'

interface RunOptions {
  /** False for `--no-config`; commander keeps both under one name. */
  readonly config?: string | false
  readonly dataDir?: string
  readonly workers?: number | 'auto'
  readonly listen?: ListenAddress
  readonly control?: ListenAddress
  readonly validateOnly?: boolean
}

const EXAMPLES = `
Signals:
  SIGTERM, SIGINT   finish what runs, then end; a second one ends at once
  SIGHUP            take over a changed configuration

Examples:
  ferro run
  ferro run --config ferro.yaml --workers 4
  ferro run --no-config --listen 127.0.0.1:9000 --control 127.0.0.1:9001`

/** `ferro run`: starts the gateway and stays until it is stopped. */
export function runCommand(): Command {
  return new Command('run')
    .description('start the gateway')
    .option(
      '-c, --config <file>',
      `configuration; without it, the first of ${CONFIG_FILE_NAMES.join(', ')} in this folder`,
    )
    .option('--no-config', 'start without a file, even if there is one here')
    .option('--data-dir <folder>', 'folder of journal, database and generated secrets')
    .option('--workers <number>', 'data workers: a number from 1 to 64, or auto', parseWorkers)
    .option('--listen <address>', 'address of the data listener, as host:port', parseAddress)
    .option('--control <address>', 'address of the control listener, as host:port', parseAddress)
    .option('--validate-only', 'check the configuration and end, like `ferro validate`')
    .addHelpText('after', EXAMPLES)
    .action(async (options: RunOptions) => {
      if (options.validateOnly === true) await validateOnly(options)
      else process.exitCode = await run(options)
    })
}

async function run(options: RunOptions): Promise<number> {
  const gateway = await start(options)
  obeySignals(gateway)
  process.stdout.write(
    renderBanner({ ...factsOf(gateway), version: packageVersion(), createKeyCommand: createKeyCommand(options) }),
  )
  return await gateway.stopped
}

async function start({ config, dataDir, workers, listen, control }: RunOptions): Promise<RunningGateway> {
  const { startGateway, StartError } = await import('../app/index.ts')
  try {
    return await startGateway({
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
}

async function validateOnly({ config }: RunOptions): Promise<void> {
  if (config === false) throw new Failure('without a configuration there is nothing to check: leave out --no-config')
  const { validateCommand } = await import('./validate.ts')
  await validateCommand().parseAsync(config === undefined ? [] : ['--config', config], { from: 'user' })
}

function factsOf(gateway: RunningGateway) {
  const { dataUrl, controlUrl, configSource, providers, firstKey } = gateway
  const [dataDir, adminTokenFile] = [resolve(gateway.dataDir), resolve(gateway.adminTokenFile)]
  return { dataUrl, controlUrl, configSource, providers, firstKey, dataDir, adminTokenFile }
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

function parseWorkers(text: string): number | 'auto' {
  if (text === 'auto') return text
  const count = /^\d{1,2}$/.test(text) ? Number(text) : 0
  if (count < 1 || count > 64) throw new InvalidArgumentError('Expected `auto` or a whole number from 1 to 64.')
  return count
}

function parseAddress(text: string): ListenAddress {
  const address = parseListen(text)
  if (address === null) throw new InvalidArgumentError('Expected host:port, such as `127.0.0.1:8080` or `[::1]:8080`.')
  return address
}
