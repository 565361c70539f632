import { type Command, InvalidArgumentError } from 'commander'
import { isScope, SCOPES } from '../config/index.ts'
import {
  addChangeFlags,
  addSubjectFlags,
  type ChangeFlags,
  fieldsOf,
  patchOf,
  type SubjectFlags,
} from './subject-flags.ts'

/** What the flags say that describe a key. */
export interface KeyFlags extends SubjectFlags {
  readonly id?: string
  readonly project?: string
  readonly user?: string
  readonly expires?: string
  readonly scope?: readonly string[]
  readonly address?: readonly string[]
}

/** Adds the flags that describe a new key. */
export function addKeyFlags(command: Command): Command {
  return addFacts(command.option('--id <id>', 'name of the key in records and metrics; without it, a random one'))
}

/** Adds the flags that change a key. */
export function addKeyChangeFlags(command: Command): Command {
  return addChangeFlags(addFacts(command))
}

function addFacts(command: Command): Command {
  return addSubjectFlags(command)
    .option('--expires <date>', 'when the key ends: a date (midnight UTC), or a date and time with an offset')
    .option('--scope <scope...>', 'what the key may do; without it, everything', parseScope)
    .option('--address <network...>', 'networks that the key may be used from, such as 10.0.0.0/8; without it, all')
    .option('--project <id>', 'the project that the key belongs to')
    .option('--team <id>', 'the team that the key belongs to')
    .option('--organization <id>', 'the organization that the key belongs to')
    .option('--user <id>', 'the user who holds the key')
}

/** The request for a key, as the admin API takes it. Throws Failure for flags that contradict each other. */
export function requestOf({ id, expires, scope, address, project, user, ...flags }: KeyFlags): Record<string, unknown> {
  const expires_at = expires === undefined ? undefined : instantOf(expires)
  return fieldsOf(flags, { id, expires_at, scopes: scope, addresses: address, project, user })
}

/** The change of a key, as the admin API takes it. Throws Failure for flags that contradict each other, or say nothing. */
export function changeOf(flags: KeyFlags & ChangeFlags): Record<string, unknown> {
  return patchOf(requestOf(flags), flags)
}

function instantOf(text: string): string {
  return /^\d{4}-\d{2}-\d{2}$/.test(text) ? `${text}T00:00:00Z` : text
}

function parseScope(text: string, before: readonly string[] | undefined): string[] {
  if (isScope(text)) return [...(before ?? []), text]
  throw new InvalidArgumentError(`Allowed choices are ${SCOPES.join(', ')}, and names with a colon for routes.`)
}
