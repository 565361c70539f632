import { Command, InvalidArgumentError, Option } from 'commander'
import { BILLERS } from '../ai/facts.ts'
import type { BooksOptions } from './books.ts'
import type { AdjustOptions } from './ledger-adjust.ts'
import type { ReconcileOptions } from './ledger-reconcile.ts'
import { addLocationOptions } from './location-options.ts'

const EXAMPLES = `
A gateway that runs on the data directory goes on running. With differences the exit code is 1.

Examples:
  ferro ledger verify
  ferro ledger verify --data-dir /var/lib/ferro --format json
  ferro ledger reconcile --provider ${BILLERS[0]} --file costs.csv
  ferro ledger adjust --request 01939f3a-… --usd -0.25 --reason 'cut off by an outage' --id ticket-4711
  ferro ledger reconcile --provider ${BILLERS[1]} --file report.json --as main main-eu --tolerance 2`

/** `ferro ledger`: whether the books are right. */
export function ledgerCommand(): Command {
  const command = new Command('ledger')
    .description('prove and adjust the books, compare them with bills')
    .addHelpText('after', EXAMPLES)
  addLocationOptions(command.command('verify'))
    .description('hold entries, records, sums and counters against each other, and name what does not agree')
    .action(async (options: BooksOptions) => {
      const { verify } = await import('./ledger-verify.ts')
      process.exitCode = await verify(options)
    })
  addLocationOptions(command.command('reconcile'))
    .description("compare a provider's bill with the ledger by day and model, and say why they differ")
    .addOption(new Option('--provider <name>', 'whose bill it is').choices(BILLERS).makeOptionMandatory())
    .requiredOption('--file <file>', 'the bill: answers of its costs API (JSON), or the export of its console (CSV)')
    .option('--as <name...>', 'what the configuration calls the provider; without it, the same')
    .option('--tolerance <percent>', 'how far a day and model may be apart', parsePercent, 1)
    .option('--tolerance-usd <amount>', 'how far they may be apart at any rate, in US dollars', parseUsd, 0.01)
    .action(async (options: ReconcileOptions) => {
      const { reconcile } = await import('./ledger-reconcile.ts')
      process.exitCode = await reconcile(options)
    })
  addLocationOptions(command.command('adjust'))
    .description('give a request money or tokens back, or charge it more, by an entry with a reason')
    .requiredOption('--request <id>', 'the request, as records name it')
    .option('--attempt <number>', 'which of its attempts; without it, the last one', parseWhole)
    .option('--usd <amount>', 'US dollars; negative: given back', parseSigned)
    .option('--tokens <number>', 'tokens; negative: given back', parseSigned)
    .requiredOption('--reason <text>', 'why, for whoever reads the books')
    .option('--id <id>', 'your own name for it: said again, nothing happens twice; without it, a random one')
    .action(async (options: AdjustOptions) => {
      const { adjust } = await import('./ledger-adjust.ts')
      await adjust(options)
    })
  return command
}

function parseWhole(text: string): number {
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('Expected a whole number of at least 1.')
}

function parseSigned(text: string): number {
  if (/^-?\d{1,13}(?:\.\d{1,9})?$/.test(text)) return Number(text)
  throw new InvalidArgumentError('Expected a number, such as -0.25.')
}

function parsePercent(text: string): number {
  if (/^\d{1,2}(?:\.\d+)?$/.test(text)) return Number(text)
  throw new InvalidArgumentError('Expected a percentage below 100, such as 1 or 0.5.')
}

function parseUsd(text: string): number {
  if (/^\d{1,6}(?:\.\d{1,9})?$/.test(text)) return Number(text)
  throw new InvalidArgumentError('Expected an amount of US dollars, such as 0.05.')
}
