/** The kinds of values that are text and stay text: names, references to secrets, URLs, header names. */
import { isIP } from 'node:net'
import * as z from 'zod'
import { baseUrlFault } from '../base-url.ts'
import { findMalformedReference, isReference, REFERENCE_FORMS } from '../reference.ts'

const CONTROL_CHARACTER = /[\p{Cc}\u2028\u2029]/u

const NAME = /^[A-Za-z0-9][A-Za-z0-9._:/@+-]{0,127}$/

/** The name of a model or an alias, as clients write it. Safe in logs, paths and headers by its alphabet. */
export const name = z
  .string()
  .regex(NAME, { error: 'a name has 1 to 128 of A-Z a-z 0-9 . _ : / @ + - and starts with a letter or digit' })
  .meta({ id: 'name', description: 'Letters, digits and `. _ : / @ + -`; starts with a letter or digit.' })

/** The same, or the beginning of names with `*` behind it, or `*` alone: an entry for many names. */
export const modelPattern = z
  .string()
  .regex(/^(?:[A-Za-z0-9][A-Za-z0-9._:/@+-]{0,127}\*?|\*)$/, {
    error:
      'a name has 1 to 128 of A-Z a-z 0-9 . _ : / @ + - and starts with a letter or digit; `*` may stand at its end',
  })
  .meta({ id: 'model-name', description: 'A `name`; one with `*` at its end, or `*` alone, stands for many.' })

/** The name of a provider. Without `/`, because `provider/model` addresses a model directly. */
export const providerName = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, {
    error: 'a provider name has 1 to 64 of A-Z a-z 0-9 . _ - and starts with a letter or digit',
  })
  .meta({ id: 'provider-name', description: 'Letters, digits and `. _ -`; starts with a letter or digit.' })

/** One line of text without references, for values that are used as they stand. */
export const plainText = z
  .string()
  .min(1, { error: 'must not be empty' })
  .max(1024, { error: 'longer than 1024 characters' })
  .refine((text) => !CONTROL_CHARACTER.test(text), { error: 'must not hold control characters or line breaks' })
  .refine((text) => !isReference(text), { error: 'references are not resolved here; write the value itself' })
  .meta({ id: 'text', description: 'One line of text.' })

/** An address or a network in CIDR notation. */
export const networkText = z
  .string()
  .refine(isNetwork, { error: 'expected an address or a network, such as `10.0.0.0/8` or `::1`' })
  .meta({ id: 'network', description: 'An IP address, or a network in CIDR notation: `10.0.0.0/8`, `fd00::/8`.' })

function isNetwork(text: string): boolean {
  const [address = '', bits, ...more] = text.split('/')
  const family = isIP(address)
  if (family === 0 || more.length > 0) return false
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128))
}

/** One line of text with placeholders such as `{host}`; what each stands for is a matter of where it is used. */
export const templateText = z
  .string()
  .max(2048, { error: 'longer than 2048 characters' })
  .refine((text) => !CONTROL_CHARACTER.test(text), { error: 'must not hold control characters or line breaks' })
  .meta({ id: 'template', description: 'One line of text with placeholders: `{host}`, `{client.address}`, …' })

/** One line of text in which references may stand; kept as written. */
export const referenceText = z
  .string()
  .min(1, { error: 'must not be empty' })
  .refine((text) => !CONTROL_CHARACTER.test(text), { error: 'must not hold control characters or line breaks' })
  .refine((text) => findMalformedReference(text) === null, {
    error: `holds a malformed reference; the forms are ${REFERENCE_FORMS}`,
  })
  .meta({
    id: 'reference-text',
    description: `Text in which references may stand: ${REFERENCE_FORMS}.`,
  })

/** An http or https URL without credentials, query and fragment, or a reference to one. */
export const baseUrl = referenceText
  .superRefine((text, context) => {
    const fault = isReference(text) ? null : baseUrlFault(text)
    if (fault !== null) context.addIssue({ code: 'custom', message: fault, input: text })
  })
  .meta({ id: 'base-url', description: 'An `https://` or `http://` URL, or a reference to one.' })

/** Headers that belong to the connection or to the message's framing: the gateway sets them itself. */
const RESERVED_HEADERS = new Set([
  'connection',
  'content-length',
  'expect',
  'host',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/** The name of a header that a person may set (RFC 9110 token; not one that frames the message). */
export const headerName = z
  .string()
  .regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}$/, { error: 'not a header name (RFC 9110)' })
  .refine((text) => !RESERVED_HEADERS.has(text.toLowerCase()), { error: 'this header is set by the gateway itself' })
  .meta({ id: 'header-name', description: 'A header name; not one that frames the message, such as `host`.' })
