import * as z from 'zod'
import { headerName, plainText } from './texts.ts'

/** Every way to choose among the targets of a model. */
export const STRATEGIES = [
  'single',
  'fallback',
  'weighted',
  'least-latency',
  'lowest-cost',
  'balanced',
  'conditional',
  'content',
  'ab-test',
  'sticky',
] as const

/** One value or a list of them; in the document always a list. */
function listOf<T extends z.ZodType>(item: T) {
  return z.union([item.transform((value) => [value]), z.array(item).min(1).max(100)])
}

const text = z.string().min(1).max(1024)
const regex = z.string().min(1).max(900)

const textTest = z
  .union(
    [
      z.boolean(),
      text,
      z.strictObject({ prefix: text.describe('How the value begins.') }),
      z.strictObject({ regex: regex.describe('RE2 syntax; the whole value must match.') }),
    ],
    { error: 'expected a text (`*` stands for anything), `true` (present), `false` (absent), `prefix` or `regex`' },
  )
  .meta({
    id: 'text-condition',
    description: '`true`: present; `false`: absent; a text: exactly this, `*` stands for anything.',
  })

const range = z
  .strictObject({
    above: z.number().optional().describe('More than this.'),
    below: z.number().optional().describe('Less than this.'),
  })
  .refine(({ above, below }) => above !== undefined || below !== undefined, { error: 'needs `above` or `below`' })

const valueTest = z
  .union([z.boolean(), z.number(), text, range], {
    error: 'expected a value (in a text `*` stands for anything), or `above` and `below`',
  })
  .meta({ id: 'parameter-condition', description: 'Exactly this value, `*` in a text for anything; or a range.' })

const BY = /^(?:key|session|prefix|none|(?:header|metadata):[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128})$/
const by = z
  .string()
  .regex(BY, { error: 'expected `session`, `key`, `prefix`, `header:name`, `metadata:name` or `none`' })

const when = z
  .strictObject({
    model: listOf(plainText).optional().describe('The name that the client asks for; `*` stands for anything.'),
    surface: listOf(plainText).optional().describe('Where it asks, e.g. `chat.completions`, `embeddings`.'),
    key: listOf(plainText).optional().describe('Id of the key; `*` stands for anything.'),
    key_tag: listOf(plainText).optional().describe('The key has one of these `tags`.'),
    organization: listOf(plainText)
      .optional()
      .describe('Id of an organisation that the key is in; `*` stands for anything.'),
    team: listOf(plainText).optional().describe('Id of a team that the key is in.'),
    project: listOf(plainText).optional().describe('Id of a project that the key is in.'),
    user: listOf(plainText).optional().describe('Id of the user whose key it is.'),
    tag: listOf(plainText)
      .optional()
      .describe('One of these is in the header `x-ferro-tags`, where clients write what they like.'),
    header: z.record(headerName, textTest).optional().describe('Headers that all must hold.'),
    metadata: z.record(text, textTest).optional().describe('Entries of `metadata` in the body that all must hold.'),
    parameter: z
      .record(text, valueTest)
      .optional()
      .describe('Members of the body that all must hold; dots lead into objects: `reasoning.effort`.'),
    stream: z.boolean().optional().describe('Whether a stream is asked for.'),
    input_tokens: range.optional().describe('The input as estimated.'),
    contains: listOf(text).optional().describe("The user's words hold one of these; case does not count."),
    not_contains: listOf(text).optional().describe("The user's words hold none of these; case does not count."),
    matches: listOf(regex).optional().describe("One of these is found in the user's words; RE2 syntax."),
  })
  .refine((value) => Object.keys(value).length > 0, { error: 'a rule needs a condition; `otherwise` needs none' })

const choice = z
  .union([plainText, z.strictObject({ tag: plainText.describe('All targets with this tag.') })], {
    error: 'expected the label of a target, or a mapping with `tag`',
  })
  .meta({
    id: 'target-choice',
    description: 'The label of a target; or `tag`: all targets that have it, in the order of the list.',
  })

const rule = z.strictObject({
  when: when.describe('What must hold, all of it.'),
  use: listOf(choice).describe('Targets, by label or tag, which are asked in this order.'),
})

const share = z.number().min(0).max(1)
const part = z.number().min(0).max(1_000)

const settings = z.strictObject({
  type: z.enum(STRATEGIES).describe('Which strategy.'),
  by: listOf(by)
    .optional()
    .describe(
      '`sticky`, `ab-test`: what keeps requests together; the first that a request has counts. `prefix`: what comes before the first answer of a conversation. Absent: `session`, then `key`.',
    ),
  switch: z
    .enum(['never', 'price'])
    .optional()
    .describe(
      '`sticky`: whether a request leaves its target. `price`: where another costs less than it does with all of its input from the cache.',
    ),
  explore: share
    .optional()
    .describe('`least-latency`, `balanced`: share of requests that go to a random target first; absent: 0.01.'),
  unpriced: z
    .enum(['last', 'skip', 'first'])
    .optional()
    .describe('`lowest-cost`: where targets without a price stand; absent: `last`.'),
  cost: part.optional().describe("`balanced`: weight of the price by the cheapest's; absent: 1."),
  latency: part.optional().describe("`balanced`: weight of the time to the first byte by the fastest's; absent: 1."),
  health: part.optional().describe('`balanced`: weight of ten times the share of failures; absent: 1.'),
  rules: z.array(rule).min(1).max(200).optional().describe('`conditional`, `content`: the first that holds counts.'),
  otherwise: listOf(choice)
    .optional()
    .describe(
      '`conditional`, `content`: targets, by label or tag, when no rule holds; absent: all, in the order of the list.',
    ),
})

type Setting = Exclude<keyof z.infer<typeof settings>, 'type'>
type StrategyType = (typeof STRATEGIES)[number]

/** Which strategies know a setting. */
const OF: Readonly<Record<Setting, readonly StrategyType[]>> = {
  by: ['sticky', 'ab-test'],
  switch: ['sticky'],
  explore: ['least-latency', 'balanced'],
  unpriced: ['lowest-cost'],
  cost: ['balanced'],
  latency: ['balanced'],
  health: ['balanced'],
  rules: ['conditional', 'content'],
  otherwise: ['conditional', 'content'],
}
const CONTENT = ['contains', 'not_contains', 'matches'] as const

const whole = settings.superRefine((value, context) => {
  const { type, rules } = value
  const say = (path: (string | number)[], message: string) =>
    context.addIssue({ code: 'custom', path, message, input: value })
  for (const [setting, types] of Object.entries(OF)) {
    // The keys of a constant.
    if (value[setting as Setting] === undefined || types.includes(type)) continue
    say([setting], `\`${setting}\` is of ${types.map((name) => `\`${name}\``).join(' and ')}, not of \`${type}\``)
  }
  if (OF.rules.includes(type) && rules === undefined) say([], `\`${type}\` needs \`rules\``)
  for (const [index, { when: conditions }] of (rules ?? []).entries()) {
    for (const name of Object.keys(conditions)) {
      const isContent = CONTENT.some((word) => word === name)
      if (isContent === (type === 'content')) continue
      const owner = isContent ? 'content' : 'conditional'
      say(['rules', index, 'when', name], `\`${name}\` is a condition of \`${owner}\`, not of \`${type}\``)
    }
  }
})

/** A strategy by its name alone, or with its settings; in the document always with them. */
export const strategy = z.union([
  z
    .enum(STRATEGIES)
    .refine((type) => !OF.rules.includes(type), {
      error: 'needs `rules`: write it as a mapping with `type` and `rules`',
    })
    .transform((type): z.infer<typeof settings> => ({ type })),
  whole,
])
