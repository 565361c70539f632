import type { ConfigDocument } from '../../config/index.ts'
import { GatewayError } from '../../core/index.ts'
import { KeyPrincipal, Policies, type PolicyPlace, type ResourceNames, Ruling } from '../../governance/index.ts'
import { createMetricsRow, GatewayMetrics, MetricsRegistry } from '../../observability/index.ts'
import { COMMON_DIALECT, loadDialects } from '../dialects/tables.ts'
import { compileRegistry } from '../models/compile-registry.ts'
import { dialectsOf } from '../providers/dialects-of.ts'
import { loadRuleRegex } from '../routing/load-regex.ts'
import { supposedKey } from '../supposed-key.ts'
import { factsOf } from './check-body.ts'

/** What is asked: what do policies say to this request? */
export interface PolicyQuestion {
  readonly document: ConfigDocument
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Null: one without tags that is nowhere. */
  readonly key: {
    readonly id: string
    readonly tags: readonly string[]
    /** Names of its levels: `team:search`. */
    readonly levels: readonly string[]
  } | null
  /** Null: none is asked for. */
  readonly model: string | null
  /** The only provider that counts; null: whoever serves the model. */
  readonly provider: string | null
  readonly place: PolicyPlace
  /** The request as a client sends it, or what of it is of interest. */
  readonly body: Readonly<Record<string, unknown>>
}

export interface PolicyExplanation {
  readonly decision: 'allow' | 'deny'
  /** Name of the policy that refuses; null: none does. */
  readonly rule: string | null
  /** What the client would be told; null: nothing. */
  readonly message: string | null
  /** Hash of all policies; null: there are none. */
  readonly version: string | null
  readonly request: {
    readonly key: string | null
    readonly levels: readonly string[]
    readonly route: string
    readonly address: string
    readonly time: string
    readonly model: string | null
  }
  readonly policies: readonly ExplainedPolicy[]
  /** Who would serve the model, and which policy keeps it from that. */
  readonly targets: readonly { readonly id: string; readonly provider: string; readonly refused_by: string | null }[]
}

export interface ExplainedPolicy {
  readonly id: string
  /** `no match`: it is about others; `excepted`: it leaves this request alone. */
  readonly applies: 'yes' | 'no match' | 'excepted'
  /** What it refuses of the request; null: nothing. */
  readonly refuses: string | null
}

const NO_UPSTREAM = { dispatch: () => false, close: () => Promise.resolve() }
const POLICY = 'policy:'

/** What policies say to a request, by the functions that decide it. Throws a GatewayError for a model that there is not. */
export async function explainPolicy(question: PolicyQuestion): Promise<PolicyExplanation> {
  const { document, key, place, model } = question
  const policies = Policies.compile(document)
  const principal = new KeyPrincipal(
    supposedKey(key === null ? {} : { id: key.id, tags: key.tags, levels: key.levels }),
  )
  const names = model === null ? [] : await namesOf(question, model)
  const rules = policies?.rules ?? []
  const applied = rules.filter((rule) => policies?.whyNot(rule, principal, place) === null)
  const decide = (ruling: Ruling) => refusalOf(ruling, question, names)
  const refusal = policies === null ? null : decide(new Ruling(applied, policies.version))
  return {
    decision: refusal === null ? 'allow' : 'deny',
    rule: refusal?.reason?.slice(POLICY.length) ?? null,
    message: refusal?.message ?? null,
    version: policies?.version ?? null,
    request: {
      key: key?.id ?? null,
      levels: key?.levels ?? [],
      route: place.route,
      address: place.address,
      time: new Date(place.timeMs).toISOString(),
      model,
    },
    policies: rules.map((rule) => {
      const why = policies?.whyNot(rule, principal, place) ?? null
      const applies = why === null ? 'yes' : why === 'match' ? 'no match' : 'excepted'
      const told = why === null ? decide(new Ruling([rule], '')) : null
      return { id: rule.id, applies, refuses: told?.message ?? null }
    }),
    targets: names.map(({ id, names: each }) => ({
      id,
      provider: each.provider ?? '',
      refused_by: new Ruling(applied, '').refusing(each)?.slice(POLICY.length) ?? null,
    })),
  }
}

interface NamedTarget {
  readonly id: string
  readonly names: ResourceNames
}

function refusalOf(ruling: Ruling, { place, body, model }: PolicyQuestion, targets: readonly NamedTarget[]) {
  const early = ruling.refusingRoute(place.route) ?? ruling.refusingBody(factsOf(body))
  if (early !== null || targets.length === 0 || model === null) return early
  const refused = targets.map(({ names }) => ruling.refusing(names))
  const [first] = refused
  // One target that is left serves it.
  if (first === undefined || first === null || refused.includes(null)) return null
  return ruling.refusal(first, `The model "${model}" is not allowed`, 'model')
}

async function namesOf({ document, environment, provider }: PolicyQuestion, model: string): Promise<NamedTarget[]> {
  await loadDialects([COMMON_DIALECT, ...dialectsOf(document)])
  const registry = compileRegistry({
    document,
    environment,
    metrics: new GatewayMetrics(new MetricsRegistry({ row: createMetricsRow(), onSeries: () => undefined })),
    transports: { connect: () => NO_UPSTREAM, demo: NO_UPSTREAM },
    regex: await loadRuleRegex(document),
  })
  const group = registry.resolve(model)
  if (group === null) throw new GatewayError('resource_not_found', `The model "${model}" does not exist here.`)
  const names = registry.namesOf(model) ?? []
  const all = group.targets.flatMap(({ target }, position) => {
    const own = names[position]
    return own === undefined ? [] : [{ id: target.name, names: own }]
  })
  return provider === null ? all : all.filter((each) => each.names.provider === provider)
}
