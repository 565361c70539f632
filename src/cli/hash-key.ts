import { createHash, randomBytes } from 'node:crypto'
import { text } from 'node:stream/consumers'
import { Command } from 'commander'

/** Characters of a generated key after `fk-`: 256 random bits in base64url. */
const KEY_BYTES = 32
/** What a route takes at most. */
const MAX_PASSWORD_CHARS = 1_024

/** A new virtual key: `fk-` and 43 base64url characters, 256 random bits. */
export function generateKey(): string {
  return `fk-${randomBytes(KEY_BYTES).toString('base64url')}`
}

/** The hash of a key as `keys[].hash` of a configuration takes it: `sha256:` and 64 hexadecimal digits. */
export function hashKey(key: string): string {
  return `sha256:${createHash('sha256').update(key).digest('hex')}`
}

interface HashKeyFlags {
  readonly generate?: boolean
  readonly password?: boolean
}

/** `ferro hash-key`: prints the hash of a key or a password, which may stand in a configuration where neither may. */
export function hashKeyCommand(): Command {
  return new Command('hash-key')
    .description('print the hash of a key for `keys[].hash` of a configuration, or of a password for a route')
    .argument('[key]', 'the key; without it, standard input, which leaves no trace in the process list')
    .option('--generate', 'make a new key, and print it before its hash')
    .option('--password', 'read a password from standard input, and print its hash for `auth.basic.users` of a route')
    .action(async (argument: string | undefined, { generate, password }: HashKeyFlags, command: Command) => {
      if (password === true) {
        if (argument !== undefined || generate === true) {
          command.error('error: --password reads standard input; nothing else can be given with it')
        }
        const given = await standardInput()
        const fault = passwordFault(given)
        if (fault !== null) command.error(`error: ${fault}`)
        // Loaded for this alone: the hash of a key needs nothing.
        const { hashPassword } = await import('../governance/index.ts')
        process.stdout.write(`${await hashPassword(given)}\n`)
        return
      }
      if (generate === true) {
        if (argument !== undefined) command.error('error: --generate makes a key; none can be given')
        const key = generateKey()
        process.stdout.write(`${key}\n${hashKey(key)}\n`)
        return
      }
      const key = argument ?? (await standardInput())
      const fault = keyFault(key)
      if (fault !== null) command.error(`error: ${fault}`)
      process.stdout.write(`${hashKey(key)}\n`)
    })
}

/** Standard input without the line break at its end. */
async function standardInput(): Promise<string> {
  return (await text(process.stdin)).replace(/\r?\n$/, '')
}

/** A browser sends what can be typed into one line (RFC 7617 forbids control characters). */
function passwordFault(password: string): string | null {
  if (password === '') return 'the password is empty; give it on standard input'
  if (password.length > MAX_PASSWORD_CHARS) return `a password has at most ${MAX_PASSWORD_CHARS} characters`
  return /\p{Cc}/u.test(password) ? 'a password has no line breaks and no control characters' : null
}

/** A key travels in a header, so what no header can carry would never be recognised. */
function keyFault(key: string): string | null {
  if (key === '') return 'the key is empty; give it as an argument or on standard input'
  return /^[\x21-\x7e]+$/.test(key) ? null : 'a key has no spaces, no line breaks and only ASCII characters'
}
