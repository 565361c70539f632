import { Command } from 'commander'
import type { LevelAnswer } from '../control/index.ts'
import type { StoredLevelKind } from '../storage/index.ts'
import { type LocationOptions, locateData } from './data-location.ts'
import { Failure } from './failure.ts'
import { type LevelStore, openLevelStore } from './level-store.ts'
import { renderLevel, renderLevelTable } from './level-table.ts'
import { addLocationOptions } from './location-options.ts'
import {
  addChangeFlags,
  addSubjectFlags,
  type ChangeFlags,
  fieldsOf,
  patchOf,
  type SubjectFlags,
} from './subject-flags.ts'

interface Options extends LocationOptions {
  readonly format: 'text' | 'json'
}

/** `ferro organizations`, `ferro teams`, `ferro projects`, `ferro users`: levels of a gateway, whether it runs or not. */
export function levelsCommand(kind: StoredLevelKind): Command {
  const name = `${kind}s`
  const command = new Command(name).description(`create, list, show, change and delete ${name}`)
  command.addHelpText('after', examplesOf(kind))
  const sub = (verb: string, what: string) => addLocationOptions(command.command(verb)).description(what)
  const one = (verb: string, what: string) => sub(verb, what).argument('<id>', `id of the ${kind}`)

  addFlags(one('create', `make a ${kind}`), kind).action(async (id: string, options: Options & SubjectFlags) => {
    const fields = { ...fieldsOf(options), id }
    await withStore(kind, options, 'create', async (store) => {
      const level = await store.create(fields)
      const when = store.live ? 'is in force' : 'will be in force when a gateway is started on this data directory'
      print(options, { [kind]: level }, `The ${kind} ${level.id} was made and ${when}.\n`)
    })
  })
  sub('list', `show every ${kind}, of the file and of the database`)
    .option('--tag <tag>', 'only those that have it')
    .action(async (options: Options & { readonly tag?: string }) => {
      await withStore(kind, options, 'refuse', async (store) => {
        const levels = await store.list(options.tag)
        const none = `There are no ${name}. Make one: ferro ${name} create\n`
        print(options, { data: levels }, levels.length === 0 ? none : renderLevelTable(levels))
      })
    })
  one('show', `show one ${kind}, with what of its budgets is used while a gateway runs`).action(
    async (id: string, options: Options) => {
      await withStore(kind, options, 'refuse', async (store) => {
        const level = found(await store.show(id), kind, id)
        print(options, { [kind]: level }, renderLevel(level))
      })
    },
  )
  addChangeFlags(addFlags(one('update', `change a ${kind}; what no flag names stays as it is`), kind)).action(
    async (id: string, options: Options & SubjectFlags & ChangeFlags) => {
      const patch = patchOf(fieldsOf(options), options)
      await withStore(kind, options, 'refuse', async (store) => {
        const level = found(await store.change(id, patch), kind, id)
        const when = store.live ? ', and in force as it is now' : ''
        print(options, { [kind]: level }, `The ${kind} ${id} is changed${when}.\n`)
      })
    },
  )
  one('delete', `remove a ${kind} that no key and no other level is in`).action(
    async (id: string, options: Options) => {
      await withStore(kind, options, 'refuse', async (store) => {
        const level = found(await store.remove(id), kind, id)
        print(options, { [kind]: level, deleted: true }, `The ${kind} ${id} is deleted.\n`)
      })
    },
  )
  return command
}

/** Levels of one kind name what they may belong to. */
function addFlags(command: Command, kind: StoredLevelKind): Command {
  const withFlags = addSubjectFlags(command)
  if (kind === 'project') withFlags.option('--team <id>', 'the team that it belongs to')
  return kind === 'organization'
    ? withFlags
    : withFlags.option('--organization <id>', 'the organization that it belongs to')
}

function examplesOf(kind: StoredLevelKind): string {
  const place = kind === 'organization' ? '' : kind === 'project' ? ' --team search' : ' --organization acme'
  return `
While a gateway runs on the data directory it is asked, and what is changed is in force at once; otherwise the
database is changed, and the next start finds it. Levels of the configuration file are changed there.

Examples:
  ferro ${kind}s create demo${place} --budget-usd 100 --per month
  ferro ${kind}s update demo --requests-per-minute 600 --clear models.allow
  ferro ${kind}s update demo --disable
  ferro ${kind}s update demo --from rules.json
  ferro ${kind}s list --tag customer --format json
  ferro ${kind}s show demo
  ferro ${kind}s delete demo`
}

async function withStore(
  kind: StoredLevelKind,
  options: Options,
  missing: 'create' | 'refuse',
  work: (store: LevelStore) => Promise<void>,
): Promise<void> {
  const store = await openLevelStore(await locateData(options), kind, missing)
  try {
    await work(store)
  } finally {
    store.close()
  }
}

function found(level: LevelAnswer | null, kind: StoredLevelKind, id: string): LevelAnswer {
  if (level !== null) return level
  throw new Failure(`there is no ${kind} with the id ${JSON.stringify(id)}; \`ferro ${kind}s list\` shows all`)
}

function print({ format }: Options, value: object, text: string): void {
  process.stdout.write(format === 'json' ? `${JSON.stringify(value, null, 2)}\n` : text)
}
