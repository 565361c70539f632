import * as z from 'zod'
import { ACCESS_PLACEHOLDER, ACCESS_PLACEHOLDERS } from './access-placeholders.ts'
import { plainText } from './texts.ts'

/** Headers that are no one's to read in a log. */
const SECRET_HEADER = /^(?:authorization|proxy-authorization|cookie|set-cookie|x-api-key|api-key)$/

const NAMES = `${ACCESS_PLACEHOLDERS.join(', ')}, header.<name>`

const template = z
  .string()
  .min(1)
  .max(2048)
  .refine((text) => !/\p{Cc}/u.test(text), { error: 'is one line of text' })
  .superRefine((text, context) => {
    for (const [whole, name = '', header] of text.matchAll(ACCESS_PLACEHOLDER)) {
      const known: readonly string[] = ACCESS_PLACEHOLDERS
      if (header === undefined ? !known.includes(name) : name !== 'header') {
        context.addIssue({
          code: 'custom',
          message: `there is no placeholder ${whole}; there are ${NAMES}`,
          input: text,
        })
      } else if (header !== undefined && SECRET_HEADER.test(header)) {
        context.addIssue({ code: 'custom', message: `${whole} holds a secret, and is never logged`, input: text })
      }
    }
  })

/** The access log. */
export const accessLog = z.strictObject({
  output: plainText.prefault('stdout').describe('`stdout`, `stderr`, `off`, or the path of a file.'),
  format: z
    .union(
      [
        z.enum(['json', 'combined']),
        z.strictObject({ template: template.describe('A line with placeholders, such as `{method} {uri} {status}`.') }),
      ],
      { error: 'expected `json`, `combined`, or `template:` and a line with placeholders' },
    )
    .default('json')
    .describe('`json`: all of the record; `combined`: the line of Apache and nginx; `template`: a line of your own.'),
  level: z
    .enum(['info', 'warn', 'error'])
    .default('info')
    .describe('`info`: every request; `warn`: answers of 400 and above; `error`: 500 and above, and faults.'),
  sample: z.number().min(0).max(1).prefault(1).describe('Share of successful requests that is logged.'),
})
