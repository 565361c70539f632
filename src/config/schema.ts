/**
 * The configuration document: one schema, from which come validation, the TypeScript type, the JSON Schema for editors
 * and the reference for people. Keys are snake_case in files and in the document alike. Text with a unit becomes a
 * number in the document: durations milliseconds, sizes bytes, dollars nano-dollars, points in time epoch milliseconds.
 */
import * as z from 'zod'
import type { DeepReadonly } from './freeze.ts'
import { answers } from './schema/answers.ts'
import { cluster } from './schema/cluster.ts'
import { egress, overload } from './schema/egress.ts'
import { identity } from './schema/identity.ts'
import { key } from './schema/keys.ts'
import { gatewayLevel, organization, project, team, user } from './schema/levels.ts'
import { listener, trustedHeaders, trustedProxies } from './schema/listeners.ts'
import { model, routing, translation } from './schema/models.ts'
import { files, passthrough, realtime, unreadUsage } from './schema/operations.ts'
import { policy } from './schema/policies.ts'
import { catalogue } from './schema/prices.ts'
import {
  content,
  control,
  drain,
  journal,
  limits,
  log,
  processSection,
  reservation,
  storage,
  workers,
} from './schema/process.ts'
import { provider, timeouts } from './schema/providers.ts'
import { route } from './schema/routes.ts'
import { listenAddress } from './schema/scalars.ts'
import { modelPattern, name, plainText, providerName } from './schema/texts.ts'
import { upstream } from './schema/upstreams.ts'

/** The whole document. Strict at every level: a key that is not here is an error. */
export const documentSchema = z.strictObject({
  $schema: plainText.optional().describe('Where the JSON Schema is, for editors; the gateway does not read it.'),
  listen: listenAddress.prefault('127.0.0.1:8080').describe('Address of the data listener.'),
  listeners: z
    .record(providerName, listener)
    .prefault({})
    .describe('Further data listeners, by name; `main` replaces `listen`.'),
  trusted_proxies: trustedProxies,
  trusted_headers: trustedHeaders,
  control: control.prefault({}).describe('The control listener: health, metrics, admin API.'),
  data_dir: plainText
    .prefault('.ferro')
    .describe('Folder of the journal, the database and generated secrets; relative to the working directory.'),
  workers: workers.default('auto').describe('Data workers: `auto` (by the number of cores) or 1 to 64.'),
  providers: z.record(providerName, provider).prefault({}).describe('Upstreams that serve models, by name.'),
  models: z
    .record(modelPattern, model)
    .prefault({})
    .describe(
      'Models as clients know them, by name; `*`, also after the beginning of a name, stands for all names that have no entry.',
    ),
  routing: routing.prefault({}).describe('What happens when a target fails.'),
  translation: translation.prefault({}).describe("How requests are put into another dialect than their client's."),
  answers: answers.prefault({}).describe('What the gateway adds to answers of models.'),
  catalogue: catalogue.prefault({}).describe('Prices and capabilities of models that the file says nothing about.'),
  aliases: z.record(name, plainText).prefault({}).describe('Other names of models: alias to model.'),
  files: files.prefault({}).describe('Files and batches, which stay with one provider.'),
  realtime: realtime.prefault({}).describe('Sessions over a WebSocket.'),
  unread_usage: unreadUsage
    .prefault({})
    .describe('Batches and background answers that clients do not read to their end, so that they are charged.'),
  passthrough: passthrough.prefault({}).describe('Paths under `/v1/` that the gateway does not know.'),
  upstreams: z.record(providerName, upstream).prefault({}).describe('Pools of servers behind routes, by name.'),
  routes: z.array(route).max(10_000).prefault([]).describe('HTTP routes beside the paths of the gateway itself.'),
  organizations: z.array(organization).prefault([]).describe('Organisations: levels that keys may be in.'),
  teams: z
    .array(team)
    .prefault([])
    .describe('Teams: levels that keys may be in, within an organisation or on their own.'),
  projects: z
    .array(project)
    .prefault([])
    .describe('Projects: levels that keys may be in, within a team or organisation.'),
  users: z.array(user).prefault([]).describe('Users: levels of those who hold keys.'),
  gateway: gatewayLevel.prefault({}).describe('What counts for all keys together.'),
  identity: identity.prefault({}).describe('Who may call beside the holders of virtual keys.'),
  policies: z.array(policy).max(1_000).prefault([]).describe('What may be asked for, by whom, from where and when.'),
  keys: z.array(key).prefault([]).describe('Virtual keys that this file owns.'),
  limits: limits.prefault({}).describe('Bounds on client connections and request bodies.'),
  timeouts: timeouts.prefault({}).describe('Deadlines of an attempt to a provider.'),
  egress: egress.prefault({}).describe('Where the gateway may connect to.'),
  overload: overload.prefault({}).describe('What happens when a worker has more to do than it can.'),
  reservation: reservation.prefault({}).describe('What is reserved from budgets before a request is dispatched.'),
  journal: journal.prefault({}).describe('Durability of reservations and settlements.'),
  storage: storage.prefault({}).describe('The database of records and ledger.'),
  cluster: cluster.optional().describe('Several gateways that share limits and budgets; absent: this one is alone.'),
  content: content.prefault({}).describe('What is kept of conversations for clients that ask for it again.'),
  log: log.prefault({}).describe('The operational log and the access log.'),
  drain: drain.prefault({}).describe('Orderly shutdown.'),
  process: processSection.prefault({}).describe('The watch over data workers.'),
})

/** What the schema gives for a valid value. */
export type SchemaOutput = z.infer<typeof documentSchema>
/** A validated document with every default filled in, frozen at every level. References in it are not resolved. */
export type ConfigDocument = DeepReadonly<Omit<SchemaOutput, '$schema'>>
/** One provider of the document. */
export type ProviderConfig = ConfigDocument['providers'][string]
/** One model of the document. */
export type ModelConfig = ConfigDocument['models'][string]
/** One target of a model. */
export type TargetConfig = ModelConfig['targets'][number]
/** How one model chooses among its targets. */
export type StrategyConfig = NonNullable<ModelConfig['strategy']>
/** One rule of a strategy. */
export type RuleConfig = NonNullable<StrategyConfig['rules']>[number]
/** Prices as the document has them. */
export type PricesConfig = NonNullable<TargetConfig['prices']>
/** One HTTP route of the document. */
export type RouteConfig = ConfigDocument['routes'][number]
/** One pool of servers of the document. */
export type UpstreamConfig = ConfigDocument['upstreams'][string]
/** One data listener of the document. */
export type ListenerConfig = ConfigDocument['listeners'][string]
/** Principals that the document does not name one by one. */
export type IdentityConfig = ConfigDocument['identity']
/** One policy of the document. */
export type PolicyConfig = ConfigDocument['policies'][number]
/** One virtual key of the document. */
export type KeyConfig = ConfigDocument['keys'][number]
