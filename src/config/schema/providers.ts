import * as z from 'zod'
import { isReference } from '../reference.ts'
import { positiveDuration } from './scalars.ts'
import { baseUrl, headerName, plainText, referenceText } from './texts.ts'

/** What targets are chosen by. */
export const tags = z.array(plainText).max(32).prefault([])

/** Deadlines of one attempt to an upstream, all in milliseconds; a provider may override each. */
export const timeouts = z.strictObject({
  connect: positiveDuration.prefault('5s').describe('Until the connection (with TLS) is there.'),
  first_byte: positiveDuration
    .prefault('300s')
    .describe('From the request sent to the first byte of the answer, when the client did not ask for a stream.'),
  first_byte_stream: positiveDuration
    .prefault('30s')
    .describe('From the request sent to the first byte of the answer, when the client asked for a stream.'),
  idle: positiveDuration.prefault('60s').describe('Between two pieces of an answer.'),
  total: positiveDuration.prefault('1800s').describe('The whole attempt, from dispatch to the last byte.'),
})

/** Deadlines of which each may differ. */
export const providerTimeouts = z.strictObject({
  connect: positiveDuration.optional().describe('Overrides `timeouts.connect` for this provider.'),
  first_byte: positiveDuration.optional().describe('Overrides `timeouts.first_byte` for this provider.'),
  first_byte_stream: positiveDuration.optional().describe('Overrides `timeouts.first_byte_stream` for this provider.'),
  idle: positiveDuration.optional().describe('Overrides `timeouts.idle` for this provider.'),
  total: positiveDuration.optional().describe('Overrides `timeouts.total` for this provider.'),
})

/** Keys of an account of AWS, which sign requests. */
const aws = z.strictObject({
  access_key_id: referenceText.describe('Id of the access key.'),
  secret_access_key: referenceText.describe('The secret of the access key.'),
  session_token: referenceText.optional().describe('Token of a temporary session.'),
})

/** Where a token of Google comes from. */
const google = z.strictObject({
  service_account: referenceText
    .optional()
    .describe(
      "Content of a credentials file: `file:/path`, or a reference to its JSON; absent: the machine's own account.",
    ),
})

/** Where a token of Microsoft Entra comes from. */
const entra = z
  .strictObject({
    tenant: referenceText.optional().describe('Id of the tenant.'),
    client_id: referenceText.optional().describe('Id of the application, or of the managed identity.'),
    client_secret: referenceText.optional().describe('Secret of the application.'),
    token_file: plainText
      .optional()
      .describe("File with the platform's token (workload identity); read anew each time."),
    authority: baseUrl.optional().describe('Where the tenant logs in; absent: `https://login.microsoftonline.com`.'),
    scope: plainText
      .optional()
      .describe('What tokens are for; absent: `https://cognitiveservices.azure.com/.default`.'),
  })
  .refine(({ client_secret, token_file }) => client_secret === undefined || token_file === undefined, {
    error: 'give `client_secret` or `token_file`, not both',
  })
  .refine(
    ({ client_secret, token_file, tenant, client_id }) =>
      (client_secret === undefined && token_file === undefined) || (tenant !== undefined && client_id !== undefined),
    { error: 'needs `tenant` and `client_id` with `client_secret` or `token_file`' },
  )

const credentialFields = {
  api_key: referenceText
    .optional()
    .describe('The secret sent to the provider. Write a reference; a literal works and is warned about.'),
  aws: aws.optional().describe('Keys that sign requests to AWS.'),
  google: google.optional().describe('Tokens of Google: a service account, or the account of the machine.'),
  entra: entra
    .optional()
    .describe('Tokens of Microsoft Entra: an application, a workload identity, or the managed identity (`{}`).'),
  base_url: baseUrl
    .optional()
    .describe("Where the provider's API starts; absent: the kind's own. A kind that ends in `-compatible` has none."),
  headers: z
    .record(headerName, referenceText)
    .prefault({})
    .describe('Headers added to every request to this provider; references may stand in the values.'),
  organization: referenceText.optional().describe('Organisation that the provider bills, where it knows such.'),
}

const credential = z.strictObject({
  name: plainText
    .optional()
    .describe('Names it for targets, records and metrics; absent: its place in the list, from 1.'),
  ...credentialFields,
  weight: z.int().min(1).max(1_000).default(1).describe('Its share of the requests.'),
})

const quirks = z.strictObject({
  drop: z.array(plainText).max(64).prefault([]).describe('Top-level members of bodies that are left out.'),
  rename: z.record(plainText, plainText).prefault({}).describe('Top-level members that the provider calls otherwise.'),
})

/** A part of an address. */
const addressPart = referenceText.refine(
  (text) => isReference(text) || /^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$/.test(text),
  {
    error: 'expected letters, digits and `. _ : -`, or a reference',
  },
)

/** One upstream that serves models. Which kinds exist is checked by the caller of `parseConfig`, who has the table. */
export const provider = z.strictObject({
  kind: plainText.describe('What the provider is; an unknown kind is refused with the list of those that exist.'),
  ...credentialFields,
  credentials: z
    .array(credential)
    .min(1)
    .max(64)
    .optional()
    .describe('Several credentials, used in turn; each in place of one that stands beside `kind`.'),
  tags: tags.describe('Tags of all its targets, such as a region.'),
  region: addressPart.optional().describe("Region, where the kind's address has one."),
  project: addressPart.optional().describe("Project, where the kind's address has one."),
  account: addressPart.optional().describe("Account, where the kind's address has one."),
  api_version: addressPart.optional().describe('Version of the API, where the kind has dated ones; `v1` for none.'),
  deployment: plainText.optional().describe('What every model is called at this provider.'),
  deployments: z
    .record(plainText, plainText)
    .prefault({})
    .describe('What a model is called at this provider, by its name.'),
  referer: plainText
    .optional()
    .describe('Address of your application, for providers that list those (`http-referer`).'),
  title: plainText.optional().describe('Name of your application, for providers that list those (`x-title`).'),
  dialects: z
    .array(
      z.enum([
        'openai-chat',
        'openai-responses',
        'openai-completions',
        'anthropic-messages',
        'gemini',
        'bedrock-converse',
        'cohere',
        'ollama',
        'replicate',
      ]),
    )
    .min(1)
    .optional()
    .describe("The provider's endpoints, the preferred one first; absent: those that the kind is known to have."),
  quirks: quirks.optional().describe('What bodies must not hold, or hold under another name, for this provider.'),
  direct: z
    .boolean()
    .default(false)
    .describe('Clients may address any of its models as `provider/model`, without an entry in `models`.'),
  timeouts: providerTimeouts.prefault({}).describe('Deadlines that differ from the top-level `timeouts`.'),
  max_connections: z
    .int()
    .min(1)
    .max(65_535)
    .prefault(1024)
    .describe('Connections to this provider that one data worker holds at most.'),
  pending_timeout: positiveDuration
    .prefault('10s')
    .describe(
      'Longest wait for a free connection; then the next target, else 503, which says nothing about the provider.',
    ),
})
