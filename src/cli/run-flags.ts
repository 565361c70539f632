import { type ParseArgsConfig, parseArgs } from 'node:util'
import { CONFIG_FILE_NAMES, type ListenAddress, parseListen } from '../config/index.ts'

/** What the flags of `ferro run` say. */
export interface RunOptions {
  /** False for `--no-config`; absent: the file that is found. */
  readonly config?: string | false
  readonly dataDir?: string
  readonly workers?: number | 'auto'
  readonly listen?: ListenAddress
  readonly control?: ListenAddress
  readonly validateOnly?: boolean
  /** How `validateOnly` answers. */
  readonly format?: 'text' | 'json'
}

/** A flag of `ferro run`. */
export interface RunFlag {
  /** Without the dashes. */
  readonly name: string
  readonly short?: string
  /** Name of the value; null for a flag without one. */
  readonly value: string | null
  readonly description: string
  /** Turns the text into the option's value; throws an Error that says what is expected. */
  readonly parse?: (text: string) => unknown
}

const FOUND = `the first of ${CONFIG_FILE_NAMES.join(', ')} in this folder`

/** Every flag, for the command's definition and for the quick reading. */
export const RUN_FLAGS: readonly RunFlag[] = [
  { name: 'config', short: 'c', value: 'file', description: `configuration; without it, ${FOUND}` },
  { name: 'no-config', value: null, description: 'start without a file, even if there is one here' },
  { name: 'data-dir', value: 'folder', description: 'folder of journal, database and generated secrets' },
  {
    name: 'workers',
    value: 'number',
    description: 'data workers: a number from 1 to 64, or auto',
    parse: parseWorkers,
  },
  { name: 'listen', value: 'address', description: 'address of the data listener, as host:port', parse: parseAddress },
  {
    name: 'control',
    value: 'address',
    description: 'address of the control listener, as host:port',
    parse: parseAddress,
  },
  { name: 'validate-only', value: null, description: 'check the configuration and end, like `ferro validate`' },
  { name: 'format', value: 'format', description: 'how --validate-only answers: text or json', parse: parseFormat },
]

/**
 * The options of a plain, correct command line; null when there is anything to say about it (a mistake, `--help`), which
 * is left to the command's definition. A start is the common case, and loading the parser of the whole command line
 * would be a tenth of it.
 */
export function readRunFlags(args: readonly string[]): RunOptions | null {
  try {
    const options: ParseArgsConfig['options'] = Object.fromEntries(
      RUN_FLAGS.map(({ name, short, value }) => {
        const type: 'boolean' | 'string' = value === null ? 'boolean' : 'string'
        return [name, short === undefined ? { type } : { type, short }] as const
      }),
    )
    const { values, tokens } = parseArgs({
      args: [...args],
      options,
      strict: true,
      allowPositionals: false,
      tokens: true,
    })
    const names = tokens.map((token) =>
      token.kind !== 'option' ? null : token.name === 'no-config' ? 'config' : token.name,
    )
    // Of a flag that is given twice the last one counts, but the first one must be right, too.
    if (new Set(names).size < names.length) return null
    const { 'no-config': none, ...given } = values
    const read = RUN_FLAGS.filter(({ name }) => given[name] !== undefined).map(({ name, parse }) => {
      const value = given[name]
      return [camelCase(name), parse !== undefined && typeof value === 'string' ? parse(value) : value] as const
    })
    return { ...Object.fromEntries(read), ...(none === true ? { config: false as const } : {}) }
  } catch {
    // Whatever it is, the command's definition finds it again and says it better.
    return null
  }
}

function camelCase(name: string): string {
  return name.replaceAll(/-([a-z])/g, (_match, letter: string) => letter.toUpperCase())
}

function parseWorkers(text: string): number | 'auto' {
  if (text === 'auto') return text
  const count = /^\d{1,2}$/.test(text) ? Number(text) : 0
  if (count < 1 || count > 64) throw new Error('Expected `auto` or a whole number from 1 to 64.')
  return count
}

function parseFormat(text: string): 'text' | 'json' {
  if (text !== 'text' && text !== 'json') throw new Error('Allowed choices are text, json.')
  return text
}

function parseAddress(text: string): ListenAddress {
  const address = parseListen(text)
  if (address === null) throw new Error('Expected host:port, such as `127.0.0.1:8080` or `[::1]:8080`.')
  return address
}
