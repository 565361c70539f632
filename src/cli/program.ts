import { Command, CommanderError } from 'commander'
import { COMMANDS } from './commands.ts'
import { EXIT_USAGE } from './failure.ts'
import { packageVersion } from './version.ts'

const EXAMPLES = `
Examples:
  ferro run                                  start on 127.0.0.1:8080, with what the environment offers
  ferro run --config ferro.yaml              start with a configuration
  ferro validate --config ferro.yaml         say whether a start would succeed
  ferro keys create --name laptop            make a virtual key
  ferro keys create --budget-usd 25 --per month

Every command says more: ferro help <command>`

/** Runs one command line; resolves with its exit code, if it has one to give. */
export async function runProgram(argv: readonly string[]): Promise<number | undefined> {
  try {
    const program = await createProgram(argv)
    await program.parseAsync(argv, { from: 'user' })
    return typeof process.exitCode === 'number' ? process.exitCode : undefined
  } catch (error) {
    if (error instanceof CommanderError) return exitCodeOf(error)
    throw error
  }
}

async function createProgram(argv: readonly string[]): Promise<Command> {
  const program = new Command('ferro')
    .description('One control point for HTTP, model, tool and agent traffic.')
    .version(packageVersion(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'show help')
    .helpCommand('help [command]', 'show help for a command')
    .addHelpText('after', EXAMPLES)
    .exitOverride()
  const wanted = wantedCommand(argv)
  for (const { name, summary, load } of COMMANDS) {
    const command = name === wanted ? await load() : new Command(name)
    program.addCommand(adopt(program, command).summary(summary))
  }
  return program
}

/** The command that is called, or that help is asked for; the others need only their names. */
function wantedCommand(argv: readonly string[]): string | undefined {
  const [first, second] = argv.filter((argument) => !argument.startsWith('-'))
  return first === 'help' ? second : first
}

/** Makes a command and those below it end as the program does: by an error that carries the exit code. */
function adopt(parent: Command, command: Command): Command {
  command.copyInheritedSettings(parent)
  for (const child of command.commands) adopt(command, child)
  return command
}

/** What commander itself finds wrong is the command line; what a command reports as an error is a failure. */
function exitCodeOf({ code, exitCode }: CommanderError): number {
  return exitCode === 0 || code === 'commander.error' ? exitCode : EXIT_USAGE
}
