import { Command, InvalidArgumentError, Option } from 'commander'
import { run } from './run.ts'
import { RUN_FLAGS, type RunFlag, type RunOptions } from './run-flags.ts'

const EXAMPLES = `
Signals:
  SIGTERM, SIGINT   finish what runs, then end; a second one ends at once
  SIGHUP            take over a changed configuration

Examples:
  ferro run
  ferro run --config ferro.yaml --workers 4
  ferro run --no-config --listen 127.0.0.1:9000 --control 127.0.0.1:9001`

/** `ferro run`: starts the gateway and stays until it is stopped; `start` resolves with the exit code. */
export function runCommand(start: (options: RunOptions) => Promise<number> = run): Command {
  const command = new Command('run').description('start the gateway').addHelpText('after', EXAMPLES)
  for (const flag of RUN_FLAGS) command.addOption(optionOf(flag))
  return command.action(async (options: RunOptions) => {
    process.exitCode = await start(options)
  })
}

function optionOf({ name, short, value, description, parse }: RunFlag): Option {
  const flags = `${short === undefined ? '' : `-${short}, `}--${name}${value === null ? '' : ` <${value}>`}`
  const option = new Option(flags, description)
  if (parse === undefined) return option
  return option.argParser((text) => {
    try {
      return parse(text)
    } catch (error) {
      throw new InvalidArgumentError(error instanceof Error ? error.message : String(error))
    }
  })
}
