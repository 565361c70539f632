import { createHash, randomBytes } from 'node:crypto'
import { text } from 'node:stream/consumers'
import { Command } from 'commander'

/** Characters of a generated key after `fk-`: 256 random bits in base64url. */
const KEY_BYTES = 32

/** A new virtual key: `fk-` and 43 base64url characters, 256 random bits. */
export function generateKey(): string {
  return `fk-${randomBytes(KEY_BYTES).toString('base64url')}`
}

/** The hash of a key as `keys[].hash` of a configuration takes it: `sha256:` and 64 hexadecimal digits. */
export function hashKey(key: string): string {
  return `sha256:${createHash('sha256').update(key).digest('hex')}`
}

/** `ferro hash-key`: prints the hash of a key, which may stand in a configuration where the key may not. */
export function hashKeyCommand(): Command {
  return new Command('hash-key')
    .description('print the hash of a key for `keys[].hash` of a configuration')
    .argument('[key]', 'the key; without it, standard input, which leaves no trace in the process list')
    .option('--generate', 'make a new key, and print it before its hash')
    .action(async (argument: string | undefined, { generate }: { generate?: boolean }, command: Command) => {
      if (generate === true) {
        if (argument !== undefined) command.error('error: --generate makes a key; none can be given')
        const key = generateKey()
        process.stdout.write(`${key}\n${hashKey(key)}\n`)
        return
      }
      const key = argument ?? (await text(process.stdin)).replace(/\r?\n$/, '')
      const fault = keyFault(key)
      if (fault !== null) command.error(`error: ${fault}`)
      process.stdout.write(`${hashKey(key)}\n`)
    })
}

/** A key travels in a header, so what no header can carry would never be recognised. */
function keyFault(key: string): string | null {
  if (key === '') return 'the key is empty; give it as an argument or on standard input'
  return /^[\x21-\x7e]+$/.test(key) ? null : 'a key has no spaces, no line breaks and only ASCII characters'
}
