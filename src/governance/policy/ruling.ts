import { GatewayError } from '../../core/index.ts'
import type { GlobSet } from '../../lib/index.ts'
import type { ResourceNames } from '../key-principal.ts'
import type { Rule } from './rule.ts'

/** What of a request's body policies go by. */
export interface BodyFacts {
  /** Every tool that is offered, by all of its names. */
  readonly tools: readonly (readonly string[])[]
  /** All values of a parameter, in whatever spelling; none when it is absent. */
  readonly values: (parameter: string) => readonly unknown[]
  /** What says more than can be read here, such as a stored prompt; null: nothing does. */
  readonly unread: string | null
}

/** How the names of levels that refuse begin when a policy does. */
export const POLICY = 'policy:'

/** The policies that apply to a request, as one: each of them must let it through. Made once for each set of them. */
export class Ruling {
  readonly rules: readonly Rule[]
  /** Hash of all policies of the configuration. */
  readonly version: string
  /** For records: `allow:a,b`. */
  readonly allowed: string
  /** Whether any of them has lists of models, providers or tags of targets. */
  readonly listsModels: boolean
  /** Whether any of them goes by what stands in a body. */
  readonly readsBodies: boolean

  constructor(rules: readonly Rule[], version: string) {
    const says = (of: (lists: Rule['allow']) => unknown) =>
      rules.some(({ allow, deny }) => of(allow) !== null || of(deny) !== null)
    this.rules = rules
    this.version = version
    this.allowed = `allow:${rules.map(({ id }) => id).join(',')}`
    this.listsModels =
      says(({ models }) => models) || says(({ providers }) => providers) || says(({ targetTags }) => targetTags)
    this.readsBodies = says(({ tools }) => tools) || says(({ parameters }) => parameters)
  }

  /** Why a request of this route is refused whatever it asks for; null: it is not. */
  refusingRoute(route: string): GatewayError | null {
    for (const rule of this.rules) {
      if (rule.deniesAll) return refusal(rule, 'This request is not allowed')
      const { allow, deny } = rule
      if (deny.routes?.matches(route) === true || allow.routes?.matches(route) === false) {
        return refusal(rule, `The endpoint "${route}" is not allowed`)
      }
    }
    return null
  }

  /** The policy, `policy:<id>`, that does not let a model be used under these names; null: all do. Deny wins. */
  refusing({ same, served, provider, tags }: ResourceNames): string | null {
    for (const rule of this.rules) {
      const { id, allow, deny } = rule
      if (provider !== undefined && refusesTags(rule, tags ?? NO_TAGS)) return POLICY + id
      if (deny.models !== null && served.some((name) => deny.models?.matches(name))) return POLICY + id
      if (allow.models !== null && !same.some((name) => allow.models?.matches(name))) return POLICY + id
      if (provider === undefined) continue
      if (deny.providers?.matches(provider) === true || allow.providers?.matches(provider) === false) return POLICY + id
    }
    return null
  }

  /**
   * The policy that does not let a provider be used, whatever for; null: all do. `tags`: the provider's; null: those of the target were looked
   * at already.
   */
  refusingProvider(provider: string, tags: ReadonlySet<string> | null): string | null {
    const found = this.rules.find((rule) => {
      const { allow, deny } = rule
      if (deny.providers?.matches(provider) === true || allow.providers?.matches(provider) === false) return true
      return tags !== null && refusesTags(rule, tags)
    })
    return found === undefined ? null : POLICY + found.id
  }

  /** Why a request with this in its body is refused; null: it is not. */
  refusingBody(facts: BodyFacts): GatewayError | null {
    for (const rule of this.rules) {
      const { allow, deny } = rule
      const reads = [allow, deny].some(({ tools, parameters }) => tools !== null || parameters !== null)
      if (!reads) continue
      if (facts.unread !== null) return refusal(rule, `"${facts.unread}" says more than can be checked here`)
      for (const names of facts.tools) {
        const isDenied = deny.tools !== null && names.some((name) => deny.tools?.matches(name))
        if (isDenied || (allow.tools !== null && !names.some((name) => allow.tools?.matches(name)))) {
          return refusal(rule, `The tool "${(names[0] ?? '').slice(0, 64)}" is not allowed`, 'tools')
        }
      }
      const wrong =
        deny.parameters?.find(({ name, denies }) => denies(facts.values(name))) ??
        allow.parameters?.find(({ name, allows }) => !allows(facts.values(name)))
      if (wrong !== undefined) return refusal(rule, `This value of "${wrong.name}" is not allowed`, wrong.name)
    }
    return null
  }

  /** The answer for what the policy of this name, `policy:<id>`, refuses. */
  refusal(name: string, what: string, param?: string): GatewayError {
    const rule = this.rules.find(({ id }) => POLICY + id === name)
    if (rule === undefined) throw new Error(`there is no ${name} among those that apply`)
    return refusal(rule, what, param)
  }
}

const NO_TAGS: ReadonlySet<string> = new Set()

/** Who has none of the tags that are asked for is refused, and who has one of those that are denied. */
function refusesTags({ allow, deny }: Rule, tags: ReadonlySet<string>): boolean {
  const isOneOf = (list: GlobSet) => [...tags].some((tag) => list.matches(tag))
  if (deny.targetTags !== null && isOneOf(deny.targetTags)) return true
  return allow.targetTags !== null && !isOneOf(allow.targetTags)
}

function refusal({ id, message }: Rule, what: string, param?: string): GatewayError {
  const told = message === '' ? '' : ` ${message}`
  return new GatewayError('policy_denied', `${what}: policy "${id}".${told}`, {
    reason: POLICY + id,
    ...(param === undefined ? {} : { param }),
  })
}
