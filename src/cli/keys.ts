import { Command } from 'commander'
import { ControlError, parseNewKey, parseRotation } from '../control/index.ts'
import { type LocationOptions, locateData } from './data-location.ts'
import { EXIT_USAGE, Failure } from './failure.ts'
import { addKeyChangeFlags, addKeyFlags, changeOf, type KeyFlags, requestOf } from './key-flags.ts'
import { type KeyStore, openKeyStore } from './key-store.ts'
import { renderKeyTable } from './key-table.ts'
import { addLocationOptions } from './location-options.ts'
import type { ChangeFlags } from './subject-flags.ts'

interface KeysOptions extends LocationOptions {
  readonly format: 'text' | 'json'
}

const EXAMPLES = `
While a gateway runs on the data directory it is asked, and what is changed is in force at once; otherwise the
database is changed, and the next start finds it.

Examples:
  ferro keys create --name laptop --expires 2027-01-01
  FERRO_KEY=$(ferro keys create --id ci --requests-per-minute 60 --budget-usd 25 --per month)
  ferro keys create --scope models.read --allow-model 'demo/*'
  ferro keys list --format json
  ferro keys update ci --requests-per-minute 120 --clear expires_at
  ferro keys rotate ci --grace 48h
  ferro keys revoke ci`

/** `ferro keys`: virtual keys of a gateway, whether it runs or not. */
export function keysCommand(): Command {
  const command = new Command('keys')
    .description('create, list, change, rotate and revoke virtual keys')
    .addHelpText('after', EXAMPLES)
  const create = addKeyFlags(addLocationOptions(command.command('create'))).description(
    'make a key and show its secret once',
  )
  create.action(async (options: KeysOptions & KeyFlags) => {
    const request = requestOf(options)
    await checked(parseNewKey(request))
    await withStore(options, 'create', (store) => createKey(store, request, options))
  })
  const update = addKeyChangeFlags(addLocationOptions(command.command('update')))
    .description('change a key; what no flag names stays as it is')
    .argument('<id>', 'id of the key')
  update.action(async (id: string, options: KeysOptions & KeyFlags & ChangeFlags) => {
    const patch = changeOf(options)
    await withStore(options, 'refuse', (store) => changeKey(store, { id, patch }, options))
  })
  const list = addLocationOptions(command.command('list')).description('show every key, without secrets')
  list.action(async (options: KeysOptions) => {
    await withStore(options, 'refuse', (store) => listKeys(store, options))
  })
  const rotate = addLocationOptions(command.command('rotate'))
    .description('give a key a new secret and show it once; the old one is taken for a while')
    .argument('<id>', 'id of the key')
    .option('--grace <duration>', 'how long the old secret is still taken; 0s: not at all', '24h')
  rotate.action(async (id: string, options: KeysOptions & { readonly grace: string }) => {
    const request = { grace: options.grace }
    await checked(parseRotation(request))
    await withStore(options, 'refuse', (store) => rotateKey(store, { id, request }, options))
  })
  const revoke = addLocationOptions(command.command('revoke'))
    .description('end a key for good')
    .argument('<id>', 'id of the key')
  revoke.action(async (id: string, options: KeysOptions) => {
    await withStore(options, 'refuse', (store) => revokeKey(store, id, options))
  })
  return command
}

async function withStore(
  options: KeysOptions,
  missing: 'create' | 'refuse',
  work: (store: KeyStore) => Promise<void>,
): Promise<void> {
  const store = await openKeyStore(await locateData(options), missing)
  try {
    await work(store)
  } finally {
    store.close()
  }
}

/** Before anything is opened or created: a key that cannot be made is a mistake of the command line. */
async function checked(parsing: Promise<unknown>): Promise<void> {
  try {
    await parsing
  } catch (error) {
    if (!(error instanceof ControlError)) throw error
    throw new Failure(error.message, { exitCode: EXIT_USAGE, cause: error })
  }
}

async function createKey(store: KeyStore, request: object, { format }: KeysOptions): Promise<void> {
  const created = await store.create(request)
  if (format === 'json') return printJson(created)
  const when = store.live ? 'is in force' : 'will be in force when a gateway is started on this data directory'
  process.stderr.write(
    `The key ${created.key.id} was made and ${when}. Its secret is shown this once, so store it now:\n`,
  )
  // Alone on standard output, so that a script can take it.
  process.stdout.write(`${created.secret}\n`)
}

async function listKeys(store: KeyStore, { format }: KeysOptions): Promise<void> {
  const keys = await store.list()
  if (format === 'json') return printJson({ data: keys })
  process.stdout.write(keys.length === 0 ? 'There are no keys. Make one: ferro keys create\n' : renderKeyTable(keys))
}

async function rotateKey(
  store: KeyStore,
  { id, request }: { readonly id: string; readonly request: object },
  { format }: KeysOptions,
): Promise<void> {
  const rotated = await store.rotate(id, request)
  if (rotated === null) throw unknownKey(id)
  if (format === 'json') return printJson(rotated)
  const until = rotated.key.previous_valid_until
  const old = until === null ? 'the old one is refused' : `the old one is taken until ${until}`
  const from = store.live ? 'from now on' : 'from the next start on'
  process.stderr.write(`The key ${id} has a new secret ${from}, and ${old}. It is shown this once, so store it now:\n`)
  process.stdout.write(`${rotated.secret}\n`)
}

async function changeKey(
  store: KeyStore,
  { id, patch }: { readonly id: string; readonly patch: object },
  { format }: KeysOptions,
): Promise<void> {
  const key = await store.change(id, patch)
  if (key === null) throw unknownKey(id)
  if (format === 'json') return printJson({ key })
  process.stdout.write(`The key ${id} is changed${store.live ? ', and in force as it is now' : ''}.\n`)
}

function unknownKey(id: string): Failure {
  return new Failure(`there is no key with the id ${JSON.stringify(id)}; \`ferro keys list\` shows all`)
}

async function revokeKey(store: KeyStore, id: string, { format }: KeysOptions): Promise<void> {
  const revoked = await store.revoke(id)
  if (revoked === null) throw unknownKey(id)
  const { key, warning } = revoked
  if (warning !== null) process.stderr.write(`warning: ${warning}\n`)
  if (format === 'json') return printJson({ key })
  process.stdout.write(`The key ${key.id} is revoked${store.live ? ' and refused from now on' : ''}.\n`)
}

function printJson(value: object): void {
  process.stdout.write(`${JSON.stringify(value, null, 2)}\n`)
}
