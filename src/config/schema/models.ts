import * as z from 'zod'
import { capabilities, prices } from './prices.ts'
import { providerTimeouts, tags } from './providers.ts'
import { positiveDuration, size } from './scalars.ts'
import { canary, hedge, shadow } from './second-requests.ts'
import { strategy } from './strategy.ts'
import { name, plainText } from './texts.ts'

/** What happens to a request that its model's dialect, or the model, cannot take whole. */
export const onLoss = z
  .enum(['allow', 'warn', 'reject'])
  .describe(
    'When the model speaks another dialect that cannot say all of a request. `allow`: the answer tells in x-ferro-translation; `warn`: a line in the log, too; `reject`: status 400.',
  )
export const onUnsupported = z
  .enum(['warn', 'drop', 'reject'])
  .describe(
    'When a request has a parameter that the model is known to refuse. `warn`: it is left out, with a line in the log; `drop`: without one; `reject`: status 400. What is left out always stands in x-ferro-translation.',
  )

const cacheMarks = z
  .enum(['off', 'auto'])
  .describe(
    "Claude keeps prompts only where they are marked. `auto`: a translated request that has no marks gets some, behind its tools, its instructions and the newest turn, where they are long enough to be kept; writing to the vendor's cache costs more than reading the prompt, and reading from it less. `off`: only clients mark.",
  )

const attempts = z.int().min(1).max(20)

const breaker = z
  .strictObject({
    consecutive_failures: z.int().min(0).max(10_000).optional().describe('Failures in a row that open it; 0: off.'),
    failure_share: z.number().min(0).max(1).optional().describe('Share of failures that opens it; 0: off.'),
    minimum_volume: z
      .int()
      .min(1)
      .max(1_000_000)
      .optional()
      .describe('Attempts in the window before the share counts.'),
    window: positiveDuration.optional().describe('How far back the share looks.'),
    open: positiveDuration.optional().describe('How long it stays open before a probe.'),
    probes: z.int().min(1).max(15).optional().describe('Probes at a time, over all workers.'),
  })
  .describe('When a target is left alone.')

const targetBreaker = z.union([z.literal('off'), breaker], { error: 'expected `off` or a mapping' })

const concurrency = z.strictObject({
  max: z
    .int()
    .min(1)
    .max(4_096)
    .describe(
      'Requests at a time, over all workers and all entries that bound the same model with the same credential.',
    ),
  queue: z.int().min(0).max(4_096).prefault(0).describe('Requests that may wait when no other target takes them.'),
  wait: positiveDuration.prefault('5s').describe('How long one waits at most.'),
})

const target = z
  .strictObject({
    provider: plainText.optional().describe('Name of a provider of this file, or a built-in one (`demo`).'),
    model: plainText
      .optional()
      .describe(
        'The name that the provider gives the model. It may be absent where the entry stands for many names (`*`).',
      ),
    group: plainText
      .optional()
      .describe('In place of a provider: another entry of `models`, whose strategy chooses among its targets.'),
    label: name
      .optional()
      .describe('Its name for the rules of `conditional` and `content`; the variant of an `ab-test`.'),
    weight: z
      .number()
      .min(0)
      .max(1_000_000)
      .optional()
      .describe(
        'Share of the requests by the others, for strategies that choose at random; 0: only when all others failed; absent: 1.',
      ),
    priority: z
      .int()
      .min(0)
      .max(10_000)
      .optional()
      .describe('`fallback`: lower ones are asked first. Absent: as in the list, or 100 where others have one.'),
    enabled: z.boolean().default(true).describe('`false`: it is not asked.'),
    visible_to: z
      .array(
        plainText.regex(/^(?:organization|team|project|user|key):./, {
          error: 'expected a level or a key, e.g. `team:search` or `key:ci`',
        }),
      )
      .min(1)
      .max(1_000)
      .optional()
      .describe(
        'Levels and keys that alone may be served by it: `organization:acme`, `team:search`, `project:…`, `user:…`, `key:ci`, `*` for anything; absent: all.',
      ),
    models: z
      .array(plainText)
      .min(1)
      .max(1_000)
      .optional()
      .describe('Without `model`: the names that it is asked for, `*` for anything; absent: those that it may have.'),
    credential: plainText.optional().describe('Name of one of the credentials of its provider; absent: all of them.'),
    tags: tags.describe(
      "What rules, policies and clients may ask for, such as a region; its provider's are its own, too.",
    ),
    prices: prices.optional().describe('US dollars per million tokens; absent: as the catalogue has them.'),
    capabilities: capabilities.optional().describe('What it takes; absent: as the catalogue has it.'),
    catalogue: plainText
      .optional()
      .describe(
        "The entry of the catalogue that it is, `provider/model`; absent: by its provider's kind and its name.",
      ),
    max_output_tokens: z
      .int()
      .min(1)
      .max(100_000_000)
      .optional()
      .describe('The most that the model can answer; bounds the reservation of a request that names no maximum.'),
    attempts: attempts.optional().describe('Attempts of one request at it; absent: `retry.attempts_per_target`.'),
    breaker: targetBreaker.optional().describe('Differs from `routing.breaker` for this target; `off`: it has none.'),
    timeouts: providerTimeouts.optional().describe("Deadlines that differ from its provider's."),
    concurrency: concurrency
      .optional()
      .describe('How many requests it has at a time, with each of its credentials; absent: any number.'),
  })
  .superRefine((value, context) => {
    const say = (path: string[], message: string) => context.addIssue({ code: 'custom', path, message, input: value })
    const { group, provider, ...rest } = value
    if (group === undefined && provider === undefined) {
      // Without an input: nothing stands there.
      return context.addIssue({
        code: 'custom',
        path: ['provider'],
        message: 'required key is missing',
        input: undefined,
      })
    }
    if (group === undefined) return
    if (provider !== undefined) say(['group'], 'a target has a `provider` or is a `group`, not both')
    const own = OF_PROVIDERS.find((name) => rest[name] !== undefined)
    if (own !== undefined) say([own], `\`${own}\` is said of the targets in the group \`${group}\`, not of the group`)
  })

const OF_PROVIDERS = [
  'model',
  'models',
  'credential',
  'visible_to',
  'prices',
  'capabilities',
  'catalogue',
  'max_output_tokens',
  'attempts',
  'breaker',
  'timeouts',
  'concurrency',
] as const

const retry = z.strictObject({
  attempts: attempts.optional().describe('Attempts of one request over all targets, the first included.'),
  attempts_per_target: attempts.optional().describe('Attempts of one request at one target.'),
  within: positiveDuration
    .optional()
    .describe(
      'Time from the first attempt within which a target may be asked again; another one may be asked later too.',
    ),
  backoff: positiveDuration.optional().describe('First wait; doubled each time, chosen at random up to it.'),
  max_backoff: positiveDuration.optional().describe('Longest wait; a longer `Retry-After` is not waited for.'),
})

const onRefusal = z
  .enum(['stop', 'next'])
  .describe('When a target refuses the content. `stop`: its answer counts; `next`: another target is asked.')

/** A model as clients know it: a name and where its requests go. */
export const model = z.strictObject({
  on_loss: onLoss.optional().describe('Differs from `translation.on_loss` for this model.'),
  on_unsupported: onUnsupported.optional().describe('Differs from `translation.on_unsupported` for this model.'),
  cache_marks: cacheMarks.optional().describe('Differs from `translation.cache_marks` for this model.'),
  strategy: strategy
    .optional()
    .describe(
      'How a target is chosen: the name of a strategy, or a mapping with its settings. Absent: `single` for one target, `fallback` for several.',
    ),
  targets: z
    .array(target)
    .min(1, { error: 'a model needs a target' })
    .max(1_000)
    .describe('Where requests for this model go.'),
  retry: retry.optional().describe('Differs from `routing.retry` for this model.'),
  on_refusal: onRefusal.optional().describe('Differs from `routing.on_refusal` for this model.'),
  hedge: hedge
    .optional()
    .describe(
      'A second request to the next target where the first is slow: who answers first serves the client, the other is cancelled. Absent: never. Counts as an attempt, and takes from the budget of `routing.retry`.',
    ),
  canary: canary
    .optional()
    .describe('A new target that some of the requests go to first, until too many fail there. Absent: there is none.'),
  shadow: shadow
    .optional()
    .describe('A target that gets copies of some of the requests; no client waits for it or sees anything of it.'),
  internal: z
    .boolean()
    .default(false)
    .describe('`true`: it is a `group` for other models; clients neither see it nor may ask for it.'),
})

/** What holds for all models, unless they say otherwise. */
export const routing = z.strictObject({
  retry: z
    .strictObject({
      attempts: attempts.prefault(4).describe('Attempts of one request over all targets, the first included.'),
      attempts_per_target: attempts.prefault(2).describe('Attempts of one request at one target.'),
      within: positiveDuration
        .prefault('60s')
        .describe(
          'Time from the first attempt within which a target may be asked again; another one may be asked later too.',
        ),
      backoff: positiveDuration.prefault('250ms').describe('First wait; doubled each time, chosen at random up to it.'),
      max_backoff: positiveDuration.prefault('5s').describe('Longest wait; a longer `Retry-After` is not waited for.'),
      budget_share: z.number().min(0).max(1).prefault(0.2).describe('Further attempts per request, over the process.'),
      budget_per_second: z
        .number()
        .min(0)
        .max(10_000)
        .prefault(1)
        .describe(
          'Further attempts per second that are allowed where requests give fewer; those of ten seconds are kept.',
        ),
    })
    .prefault({})
    .describe('How often a request is sent again.'),
  breaker: z
    .strictObject({
      consecutive_failures: z.int().min(0).max(10_000).prefault(5).describe('Failures in a row that open it; 0: off.'),
      failure_share: z.number().min(0).max(1).prefault(0.5).describe('Share of failures that opens it; 0: off.'),
      minimum_volume: z
        .int()
        .min(1)
        .max(1_000_000)
        .prefault(20)
        .describe('Attempts in the window before the share counts.'),
      window: positiveDuration.prefault('30s').describe('How far back the share looks.'),
      open: positiveDuration.prefault('15s').describe('How long it stays open before a probe.'),
      probes: z.int().min(1).max(15).prefault(1).describe('Probes at a time, over all workers.'),
    })
    .prefault({})
    .describe('When a target is left alone.'),
  on_refusal: onRefusal.prefault('stop'),
})

const fetchMedia = z.strictObject({
  enabled: z
    .boolean()
    .default(false)
    .describe('`true`: the gateway fetches them, from public addresses only (`egress`); `false`: they are left out.'),
  max_items: z.int().min(1).max(64).prefault(8).describe('Addresses in one request; more are refused.'),
  max_bytes: size.prefault('10MiB').describe('Size of each.'),
  timeout: positiveDuration.prefault('10s').describe('Until each is there, redirects included.'),
  types: z
    .array(plainText)
    .prefault(['image/*', 'application/pdf'])
    .describe('Media types that are taken, by their first bytes or as their server says; `image/*` is all of a kind.'),
})

/** How requests are put into another dialect than their client's. */
export const translation = z.strictObject({
  on_loss: onLoss.prefault('allow'),
  on_unsupported: onUnsupported.prefault('warn'),
  cache_marks: cacheMarks.prefault('off'),
  fetch_media: fetchMedia
    .prefault({})
    .describe('Pictures and documents that clients give by address, for models that take only their bytes.'),
})
