/** What a key is known by, where it may come from, and what people note about it. */
import * as z from 'zod'
import { duration, instant } from './scalars.ts'
import { networkText, plainText } from './texts.ts'

const HASH_HELP =
  'expected `sha256:` or `hmac-sha256:` and 64 hexadecimal digits, or `blake2b:` and 128 of them (see `ferro hash-key`)'

/** The hash of a secret in one of the forms that keys are looked up by. */
export const keyHash = z
  .string({ error: HASH_HELP })
  .regex(/^(?:(?:hmac-)?sha256:[0-9A-Fa-f]{64}|blake2b:[0-9A-Fa-f]{128})$/, { error: HASH_HELP })
  .toLowerCase()

/** The secret before the present one, for the time that clients need to take over the new one. */
export const keyRotation = {
  previous: z
    .strictObject({
      hash: keyHash.describe('Hash of the secret that is going out of use.'),
      until: instant.describe('Until then both secrets are taken.'),
    })
    .optional()
    .describe('The secret that the key had before; it is taken until its grace period ends.'),
}

/** Where requests with the key may come from. */
export const keyOrigin = {
  addresses: z
    .array(networkText)
    .min(1, { error: 'an empty list would let nobody in; leave it out to allow every address' })
    .max(256, { error: 'at most 256 networks' })
    .optional()
    .describe(
      'Networks that the key may be used from, by the address of the client as `trusted_proxies` tell it; absent: all.',
    ),
}

const TAG = /^[a-z0-9][a-z0-9._:/-]{0,63}$/
const FIELD = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/
const MAX_FIELDS = 16

/** What people note about a key or a level; rules and policies may ask for a key's tags, and all else is only kept and shown. */
export const keySigns = {
  tags: z
    .array(z.string().regex(TAG, { error: 'a tag has 1 to 64 of a-z 0-9 . _ : / - and starts with a letter or digit' }))
    .max(MAX_FIELDS, { error: `at most ${MAX_FIELDS} tags` })
    .default([])
    .describe('Words to find it by; rules and policies may ask for those of keys.'),
  metadata: z
    .record(
      z.string().regex(FIELD, { error: 'a name has 1 to 64 of A-Z a-z 0-9 . _ - and starts with a letter or digit' }),
      plainText.max(256, { error: 'longer than 256 characters' }),
    )
    .refine((fields) => Object.keys(fields).length <= MAX_FIELDS, { error: `at most ${MAX_FIELDS} fields` })
    .default({})
    .describe('Notes for people, by name; shown with it, and no secret may stand there.'),
}

/** What a request to rotate a key says. */
export const rotation = z.strictObject({
  grace: duration.prefault('24h').describe('For how long the secret of before is still taken; `0s`: not at all.'),
})
