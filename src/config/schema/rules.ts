/** Limits and budgets that are counted apart for each value of something that a request says. */
import * as z from 'zod'
import { amounts } from './amounts.ts'
import { RULE_KINDS, WHEN_ABSENT } from './key-vocabulary.ts'
import { plainText } from './texts.ts'

const MAX_COUNTERS = 1_000_000

/** A rule of a key or a level. */
export const rule = z
  .strictObject({
    by: z
      .enum(RULE_KINDS)
      .describe(
        "What is counted apart: the `model` as its entry is called, the `provider` that serves, the client's `address` (of IPv6 its /64 " +
          "network), the `principal` or the `user` that the credential is of, the operator's tags of the key (`key_tag`), the client's own (`tag`), the `session`, the `run`, or the `end_user`.",
      ),
    only: z
      .array(plainText)
      .min(1, { error: 'an empty list would fit nothing; leave it out to fit every value' })
      .max(256, { error: 'at most 256 patterns' })
      .optional()
      .describe(
        'Values that the rule is for, where `*` stands for any text; absent: all. The first rule that fits a value has it.',
      ),
    when_absent: z
      .enum(WHEN_ABSENT)
      .default('ignore')
      .describe('Requests that say nothing of the kind: `ignore` them, count them `together`, or `refuse` them.'),
    max_counters: z
      .int()
      .min(1)
      .max(MAX_COUNTERS)
      .default(10_000)
      .describe(
        'Values that have counters at one time; a request with one more is refused until another is out of use.',
      ),
    ...amounts,
  })
  .refine(({ limits, budgets }) => budgets.length > 0 || Object.values(limits).some((limit) => limit !== undefined), {
    error: 'a rule has `limits` or `budgets`',
  })
