/** Several gateways that share limits. */
import * as z from 'zod'
import { plainText, referenceText } from './texts.ts'

/** Where the counters of all replicas are. Absent: this gateway is alone. */
export const cluster = z.strictObject({
  counters: referenceText
    .refine((text) => /^(?:(?:redis|rediss|valkey|valkeys):\/\/.|file:|\$?\{)/.test(text), {
      error: 'expected `redis://`, `rediss://` (TLS), `valkey://` or `valkeys://` and the address of a server',
    })
    .describe('The Redis or Valkey server that holds the counters of limits and budgets of all replicas.'),
  password: referenceText.optional().describe('Its password, in place of one in the address.'),
  ca_file: plainText.optional().describe('PEM file of authorities to trust for TLS, in place of those of the system.'),
  name: z
    .string()
    .regex(/^[A-Za-z0-9][\w.-]{0,63}$/, {
      error: 'expected letters, digits, `.`, `_` and `-`, at most 64, a letter or digit first',
    })
    .default('main')
    .describe('Replicas with the same name share their counters; several clusters may use one server.'),
  replica: z
    .string()
    .regex(/^[A-Za-z0-9][\w.-]{1,127}$/, {
      error: 'expected letters, digits, `.`, `_` and `-`, from 2 to 128, a letter or digit first',
    })
    .optional()
    .describe('Name of this replica, of no other one; absent: made once, and kept in `data_dir`.'),
})
