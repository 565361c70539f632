import * as z from 'zod'
import { listOf } from './lists.ts'
import { plainText } from './texts.ts'

const NAME_HELP = 'expected a kind and a name, such as `DNS:*.example.com` or `URI:spiffe://example/*`'
const PRINT_HELP = 'expected a SHA-256: 64 hexadecimal digits, with or without colons'

/** What the certificate of a client must have. */
export const clientCertificate = z.strictObject({
  subject: z
    .record(z.string().regex(/^[A-Za-z][A-Za-z0-9.]{0,63}$/, { error: 'an attribute such as `CN`' }), listOf(plainText))
    .optional()
    .describe('Attributes of the subject (`CN`, `O`, `OU`) that all must hold; `*` stands for anything.'),
  names: listOf(plainText.regex(/^(?:DNS|URI|email|IP):./, { error: NAME_HELP }))
    .optional()
    .describe(
      'Alternative names with their kind, one of which it must have: `DNS:`, `URI:`, `email:`, `IP:`; `*` stands for anything.',
    ),
  fingerprint: listOf(z.string().regex(/^(?:[0-9A-Fa-f]{2}:?){31}[0-9A-Fa-f]{2}$/, { error: PRINT_HELP }))
    .optional()
    .describe('SHA-256 of the certificate; one of these.'),
})
