import type { ConfigDocument, ModelConfig, StrategyConfig, TargetConfig } from '../../config/index.ts'
import { hashText, placeOfName, placesForNames, tagOfName } from '../../core/index.ts'
import { compileGlobs } from '../../lib/index.ts'
import type { RoutingCanary } from './canary/canary.ts'
import { compileStrategy, keptTogether } from './compile-strategy.ts'
import type { CompileRegex } from './conditions/conditions.ts'
import type { GroupLimits, RoutingGroup, RoutingMember, RoutingTarget, SharedMemory } from './contract.ts'
import { Draft, type Kept } from './draft.ts'
import { ModelGroup } from './model-group.ts'
import { breakerOf, concurrencyOf, limitsOf, retryOf, timeoutsOf } from './settings.ts'
import type { RoutingShadow } from './shadow/shadow.ts'
import type { TargetSource, TargetSpec } from './target-source.ts'

export interface GroupOptions {
  readonly document: ConfigDocument
  readonly source: TargetSource
  readonly regex: CompileRegex | null
  /** Ids of the targets that entries name, of `namedTargets`: what is learned of these is kept for each of them. */
  readonly named: ReadonlySet<string>
}

/** A target that no entry of the configuration names. */
export interface DirectSpec {
  readonly name: string
  readonly provider: string
  readonly model: string
  readonly label: string
}

/** The group of an entry of `models`, for the name that a client asks for; null when no target may have the model. */
export function compileGroup(options: GroupOptions, entry: string, requested: string): ModelGroup | null {
  const named = options.document.models[entry]
  if (named === undefined) throw new Error(`there is no model "${entry}"`)
  const builder = new GroupBuilder(options, entry)
  const root = builder.group({ name: requested, entry, named, requested })
  if (builder.targets.length === 0) return null
  return new ModelGroup(root, builder.kept, {
    isInternal: named.internal,
    entry,
    hedgeAfter: named.hedge?.after ?? null,
    canary: builder.canary(entry, named),
    shadow: builder.shadow(entry, named),
  })
}

/** The group of a model that is addressed as its provider's. */
export function directGroup(options: GroupOptions, spec: DirectSpec): ModelGroup {
  const builder = new GroupBuilder(options, spec.label)
  const root = builder.direct(spec)
  return new ModelGroup(root, builder.kept, {
    isInternal: false,
    entry: spec.label,
    hedgeAfter: null,
    canary: null,
    shadow: null,
  })
}

interface GroupPlace {
  readonly name: string
  readonly entry: string
  readonly named: ModelConfig
  /** What a target without a model is asked for. */
  readonly requested: string
}

/** Where a target stands that is in no list. */
interface SidePlace {
  readonly entry: string
  readonly named: ModelConfig
  readonly part: 'canary' | 'shadow'
  readonly label: string
}

/** What a member is before it has a rank. */
type Unranked = Omit<RoutingMember, 'rank'> & { readonly name: string }

/** One outermost group while it is made. */
class GroupBuilder {
  readonly targets: RoutingTarget[] = []
  readonly kept: Kept = { drops: [], isWhole: false, limit: Number.POSITIVE_INFINITY }
  readonly #options: GroupOptions
  readonly #label: string
  /** By where a target stands: a group that is reached on two ways has its targets once. */
  readonly #positions = new Map<string, number>()

  constructor(options: GroupOptions, label: string) {
    this.#options = options
    this.#label = label
  }

  group({ name, entry, named, requested }: GroupPlace): RoutingGroup {
    const { document } = this.#options
    const strategy: StrategyConfig = named.strategy ?? { type: named.targets.length > 1 ? 'fallback' : 'single' }
    const isRanked = named.targets.some(({ priority }) => priority !== undefined)
    const owned = this.#owned(named.targets, requested)
    const members = named.targets.flatMap((target, index): Unranked[] => {
      const place = `models.${entry}.targets[${index}]`
      if (!owned[index]) return []
      const about = {
        place,
        weight: target.weight ?? 1,
        priority: target.priority ?? (isRanked ? 100 : index),
      }
      if (target.group !== undefined) {
        const inner = document.models[target.group]
        if (inner === undefined) throw new Error(`there is no model "${target.group}"`)
        const group = this.group({ name: target.group, entry: target.group, named: inner, requested })
        const label = target.label ?? target.group
        return [
          { ...about, label, name: target.group, hash: hashText(target.group), position: -1, target: null, group },
        ]
      }
      const { provider = '', model = requested } = target
      const owner = named.targets.length === 1 ? `models.${entry}` : place
      const label = target.label ?? (target.model === undefined ? provider : `${provider}/${target.model}`)
      const member = this.#member({ provider, model, label: this.#label, owner, target, named, strategy, place })
      return [{ ...about, ...member, label }]
    })
    const limits = limitsOf(document, named)
    const labels = members.map(({ label }) => label ?? '')
    const tagged = (tag: string) => members.flatMap((member, at) => (hasTag(member, tag) ? [at] : []))
    const compiled = this.#compiled(strategy, entry, labels, tagged)
    return this.#close(
      { name, strategyName: strategy.type, strategy: compiled.strategy, rules: compiled.rules, limits },
      members,
    )
  }

  direct({ name, provider, model, label }: DirectSpec): RoutingGroup {
    const { document } = this.#options
    const spec = { provider, model, label, owner: '', target: undefined, named: undefined, place: name }
    const strategy: StrategyConfig = { type: 'single' }
    const member = { ...this.#member({ ...spec, strategy }), weight: 1, priority: 0, label: null, place: name }
    const { strategy: order, rules } = this.#compiled(strategy, name, [''])
    return this.#close(
      { name, strategyName: 'single', strategy: order, rules, limits: limitsOf(document, undefined) },
      [member],
    )
  }

  #compiled(
    config: StrategyConfig,
    name: string,
    labels: readonly string[],
    tagged: (tag: string) => readonly number[] = () => [],
  ) {
    try {
      return compileStrategy({ config, name, labels, tagged, regex: this.#options.regex })
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error)
      throw new Error(`models.${name}.${why}`, { cause: error })
    }
  }

  /** Which targets are asked for a name: of those that take many names, the ones that have it, where that is known. */
  #owned(targets: readonly TargetConfig[], requested: string): readonly boolean[] {
    const { source } = this.#options
    const may = targets.map(({ provider, model, models, group }) => {
      if (group !== undefined || model !== undefined) return 'said'
      if (models !== undefined) return compileGlobs(models).matches(requested) ? 'said' : 'not'
      if (!source.mayHave(provider ?? '', requested)) return 'not'
      return this.#isKnown(provider ?? '', requested) ? 'known' : 'perhaps'
    })
    const isKnown = may.includes('known')
    return may.map((each) => each === 'said' || each === 'known' || (each === 'perhaps' && !isKnown))
  }

  #isKnown(provider: string, model: string): boolean {
    const spec = {
      provider,
      model,
      credential: null,
      label: this.#label,
      owner: '',
      target: undefined,
      named: undefined,
    }
    const { facts } = this.#options.source.make(spec)
    return facts !== null && facts.entry !== null
  }

  /** A target, or a group of it with each of its provider's credentials. */
  #member(spec: Omit<TargetSpec, 'credential'> & { readonly strategy: StrategyConfig; readonly place: string }) {
    const { provider, model, target, strategy, place } = spec
    const credentials = this.#options.source.credentials(provider)
    const name = `${provider}/${model}`
    const said = target?.credential
    if (said !== undefined || credentials.length < 2) {
      const leaf = this.#leaf({ ...spec, credential: said ?? null })
      return { place, name: leaf.target.id, hash: hashText(leaf.target.id), ...leaf, group: null }
    }
    const members = credentials.map((credential): Unranked => {
      const leaf = this.#leaf({ ...spec, credential: credential.name })
      const { id } = leaf.target
      return {
        place,
        name: id,
        hash: hashText(id),
        ...leaf,
        weight: credential.weight,
        priority: 0,
        label: null,
        group: null,
      }
    })
    // What a provider keeps of a conversation, it keeps for one account.
    const inner: StrategyConfig = strategy.type === 'sticky' ? strategy : { type: 'weighted' }
    const { strategy: order, rules } = this.#compiled(inner, name, [])
    const limits = limitsOf(this.#options.document, spec.named)
    const group = this.#close({ name: `${name}#*`, strategyName: inner.type, strategy: order, rules, limits }, members)
    return { place, name, hash: hashText(name), position: -1, target: null, group }
  }

  #leaf(spec: TargetSpec & { readonly place: string }): { readonly position: number; readonly target: RoutingTarget } {
    const key = `${spec.place}#${spec.credential ?? ''}`
    const known = this.#positions.get(key)
    const there = known === undefined ? undefined : this.targets[known]
    if (known !== undefined && there !== undefined) return { position: known, target: there }
    const leaf = this.#made(spec)
    const position = this.targets.length
    this.targets.push(leaf)
    this.kept.drops.push(null)
    this.#positions.set(key, position)
    return { position, target: leaf }
  }

  /** What some of the requests are tried at; null where the entry has no such target. */
  canary(entry: string, named: ModelConfig): RoutingCanary | null {
    const { canary } = named
    if (canary === undefined) return null
    const target = this.#side(canary.target, { entry, named, part: 'canary', label: this.#label })
    const together = keptTogether(named.strategy)
    return { ...canary, entry, target, together, settings: JSON.stringify(canary) }
  }

  /** Who gets copies of some of the requests; null where the entry has no such target. */
  shadow(entry: string, named: ModelConfig): RoutingShadow | null {
    const { shadow } = named
    if (shadow === undefined) return null
    const { timeouts } = shadow.target
    const total = Math.min(timeouts?.total ?? shadow.timeout, shadow.timeout)
    const config = { ...shadow.target, timeouts: { ...timeouts, total } }
    // Metrics tell what copies cost apart from the requests.
    const target = this.#side(config, { entry, named, part: 'shadow', label: `${this.#label}/shadow` })
    return { ...shadow, entry, target }
  }

  #side(config: NonNullable<ModelConfig['canary']>['target'], { entry, named, part, label }: SidePlace): RoutingTarget {
    const { provider, model, credential = null } = config
    const owner = `models.${entry}.${part}`
    return this.#made({
      provider,
      model,
      credential,
      label,
      owner,
      target: { ...config, enabled: true },
      named,
    })
  }

  #made(spec: TargetSpec): RoutingTarget {
    const { provider, model, credential, target, named } = spec
    const { document, source } = this.#options
    const made = source.make(spec)
    const suffix = credential === null ? '' : `#${credential}`
    const own = `${provider}/${model}${suffix}`
    const isNamed = named !== undefined && target?.model !== undefined
    const shared = isNamed || this.#options.named.has(own) ? null : this.#shared(spec, suffix)
    return {
      id: shared === null ? own : `${provider}/*${shared.place}${suffix}`,
      shared,
      target: made,
      credentialId: `${provider}${suffix}`,
      tags: new Set([...(made.from?.tags ?? []), ...(target?.tags ?? [])]),
      enabled: target?.enabled ?? true,
      keptFor: target?.visible_to === undefined ? null : compileGlobs(target.visible_to),
      retry: retryOf(document, named, target),
      breaker: breakerOf(document, target),
      timeouts: timeoutsOf(made.upstream.timeouts, target),
      concurrency: concurrencyOf(target),
      streams: target?.capabilities?.streaming ?? true,
      recall: { of: null, memory: null },
    }
  }

  /** Of names that clients make up there is no end: they have few places. */
  #shared({ provider, model }: TargetSpec, suffix: string): SharedMemory {
    const places = placesForNames(this.#options.source.credentials(provider).length)
    return { name: `${provider}/*${suffix}`, place: placeOfName(model, places), places, tag: tagOfName(model) }
  }

  #close(
    group: Pick<RoutingGroup, 'name' | 'strategyName' | 'strategy' | 'rules'> & { readonly limits: GroupLimits },
    unranked: readonly Unranked[],
  ): RoutingGroup {
    const sorted = [...unranked].sort((one, other) => {
      if (one.priority !== other.priority) return one.priority - other.priority
      if (one.weight !== other.weight) return other.weight - one.weight
      return one.name < other.name ? -1 : one.name > other.name ? 1 : 0
    })
    const members = unranked.map((member): RoutingMember => {
      const { name: _sortedBy, ...rest } = member
      return { ...rest, rank: sorted.indexOf(member) }
    })
    return { ...group, members, targets: this.targets, draft: new Draft(members, this.kept) }
  }
}

/** A group has a tag when all that is beneath it has. */
function hasTag({ target, group }: Pick<RoutingMember, 'target' | 'group'>, tag: string): boolean {
  if (target !== null) return target.tags.has(tag)
  return group?.members.every((member) => hasTag(member, tag)) === true
}
