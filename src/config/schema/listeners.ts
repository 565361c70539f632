import * as z from 'zod'
import { listenAddress } from './scalars.ts'
import { networkText, plainText } from './texts.ts'

/** Names of TLS versions, oldest first. */
export const TLS_VERSIONS = ['1.2', '1.3'] as const

const certificate = z.strictObject({
  cert: plainText.describe('PEM file with the certificate and its chain.'),
  key: plainText.describe('PEM file with the private key; no others may read it.'),
})

/** How a listener speaks TLS. */
export const listenerTls = z.strictObject({
  certificates: z
    .array(certificate)
    .min(1, { error: 'TLS needs a certificate' })
    .describe('Chosen by the server name that the client asks for; the first serves clients that name none.'),
  min_version: z.enum(TLS_VERSIONS).default('1.2').describe('Oldest version of TLS that is spoken.'),
  client_ca: plainText.optional().describe('PEM file with the authorities whose client certificates are accepted.'),
  client_certificate: z
    .enum(['ignore', 'request', 'require'])
    .default('ignore')
    .describe('Whether clients show a certificate; `request` and `require` need `client_ca`.'),
  http2: z.boolean().default(true).describe('Whether HTTP/2 is offered.'),
})

/** One address that the data workers listen on. */
export const listener = z.strictObject({
  listen: listenAddress.describe('Address of this listener.'),
  tls: listenerTls.optional().describe('Absent: no TLS.'),
  proxy_protocol: z
    .enum(['off', 'optional', 'required'])
    .default('off')
    .describe('PROXY protocol (v1, v2) in front of each connection; only from `trusted_proxies`.'),
})

/** Proxies that may say who the client is. */
export const trustedProxies = z
  .array(networkText)
  .max(256)
  .prefault([])
  .describe('Addresses and networks of proxies that are believed when they say who the client is.')

/** Headers in which they say it. */
export const trustedHeaders = z
  .array(z.enum(['x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-host', 'forwarded']))
  .max(4)
  .refine((names) => !(names.includes('forwarded') && names.length > 1), {
    error: '`forwarded` says everything; beside it, who is to be believed would be open',
  })
  .prefault(['x-forwarded-for', 'x-forwarded-proto'])
  .describe('Headers that these proxies write themselves; others may be what a client sent through them.')
