import { type Command, Option } from 'commander'

/** Adds the options that say which gateway is meant, as `LocationOptions`, and how to answer. */
export function addLocationOptions(command: Command): Command {
  return command
    .option('-c, --config <file>', 'configuration of the gateway; without it, the one that `ferro run` would find')
    .option('--no-config', 'the gateway is started without a file')
    .option('--data-dir <folder>', "the gateway's data directory")
    .addOption(new Option('--format <format>', 'how to answer').choices(['text', 'json']).default('text'))
}

/** Gathers the values of an option that may be given several times. */
export function collect(value: string, before: readonly string[]): readonly string[] {
  return [...before, value]
}
