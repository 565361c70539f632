/** Checks of models that need more than one part of the document: their targets, the groups among them, the rules. */
import type { Finding } from './checks.ts'
import type { Path } from './position.ts'
import { suggest } from './suggest.ts'
import { at, entriesOf, error, itemsOf, text } from './value.ts'

/** What models are held against. */
export interface ModelNames {
  readonly providers: readonly string[]
  readonly models: readonly string[]
  /** False only where it is known that the provider of this name has no such model. */
  readonly mayHaveModel: (provider: string, model: string) => boolean
}

/** More targets than this beneath one model would be a mistake: groups multiply. */
const MOST_TARGETS = 1_000

/** Everything that is wrong with models, apart from the shape of each. */
export function checkModels(value: unknown, names: ModelNames): Finding[] {
  const sizes = new Map<string, number>()
  return entriesOf(at(value, 'models')).flatMap(([name, model]) => {
    const path = ['models', name]
    const targets = itemsOf(at(model, 'targets'))
    return [
      ...targets.flatMap((target, index) =>
        checkTarget(value, target, { path: [...path, 'targets', index], names, name }),
      ),
      ...checkStrategy(value, model, path),
      ...checkHedge(value, model, path),
      ...['canary', 'shadow'].flatMap((kind) =>
        checkSideTarget(value, at(at(model, kind), 'target'), { path: [...path, kind, 'target'], names, name: '' }),
      ),
      ...checkGroups(value, name, sizes),
    ]
  })
}

interface TargetPlace {
  readonly path: Path
  readonly names: ModelNames
  /** Of the model that it is a target of. */
  readonly name: string
}

function checkTarget(value: unknown, target: unknown, { path, names, name }: TargetPlace): Finding[] {
  const provider = text(at(target, 'provider'))
  const group = text(at(target, 'group'))
  if (group !== null && group !== '') return checkGroup(group, path, names)
  if (provider === null || provider === '') return []
  if (!names.providers.includes(provider)) {
    const suggestion = suggest(provider, names.providers)
    return [error([...path, 'provider'], `there is no provider \`${provider}\``, { suggestion })]
  }
  return [
    ...checkModelOf(target, provider, { path, names, name }),
    ...checkCredential(at(at(value, 'providers'), provider), target, { path, provider }),
  ]
}

/** A target that stands in no list. The schema has said what is missing. */
function checkSideTarget(value: unknown, target: unknown, place: TargetPlace): Finding[] {
  return at(target, 'model') === undefined ? [] : checkTarget(value, target, place)
}

function checkModelOf(target: unknown, provider: string, { path, names, name }: TargetPlace): Finding[] {
  const wanted = text(at(target, 'model'))
  const isPattern = name.endsWith('*')
  if (at(target, 'model') === undefined) {
    if (isPattern) return []
    // As the schema says it of other keys: only here it is known whether the key may be absent.
    return [error([...path, 'model'], 'required key is missing', { of: 'owner' })]
  }
  const findings: Finding[] = []
  if (at(target, 'models') !== undefined) {
    findings.push(
      error([...path, 'models'], '`models` says which names a target without `model` is asked for', { of: 'key' }),
    )
  }
  if (wanted !== null && wanted !== '' && !names.mayHaveModel(provider, wanted)) {
    findings.push(error([...path, 'model'], `the provider \`${provider}\` has no model \`${wanted}\``))
  }
  return findings
}

function checkCredential(config: unknown, target: unknown, place: { path: Path; provider: string }): Finding[] {
  const wanted = text(at(target, 'credential'))
  if (wanted === null || wanted === '') return []
  const all = itemsOf(at(config, 'credentials')).map((each, index) => text(at(each, 'name')) ?? String(index + 1))
  if (all.includes(wanted)) return []
  const message = `the provider \`${place.provider}\` has no credential \`${wanted}\``
  return [error([...place.path, 'credential'], message, { suggestion: suggest(wanted, all) })]
}

function checkGroup(group: string, path: Path, { models }: ModelNames): Finding[] {
  if (group.endsWith('*')) {
    return [error([...path, 'group'], `\`${group}\` stands for many names, and cannot be a group`)]
  }
  if (models.includes(group)) return []
  return [error([...path, 'group'], `there is no model \`${group}\``, { suggestion: suggest(group, models) })]
}

/** What each strategy reads of its targets; whoever says something else expects what does not happen. */
const READS: Readonly<Record<string, readonly string[]>> = {
  single: [],
  fallback: ['priority', 'weight'],
  weighted: ['weight'],
  'least-latency': [],
  'lowest-cost': [],
  balanced: [],
  conditional: ['label'],
  content: ['label'],
  'ab-test': ['weight', 'label'],
  sticky: ['weight'],
}

function checkStrategy(value: unknown, model: unknown, path: Path): Finding[] {
  const said = at(model, 'strategy')
  const targets = itemsOf(at(model, 'targets'))
  const strategy = text(said) ?? text(at(said, 'type')) ?? (targets.length > 1 ? 'fallback' : 'single')
  const reads = READS[strategy]
  if (reads === undefined) return []
  const findings: Finding[] = []
  if (strategy === 'single' && targets.length > 1) {
    const message = `the strategy \`single\` has exactly one target, here are ${targets.length}`
    findings.push(error([...path, 'targets', 1], message))
  }
  for (const [index, target] of targets.entries()) {
    for (const key of ['weight', 'priority', 'label']) {
      if (at(target, key) === undefined || reads.includes(key)) continue
      const of = Object.entries(READS).flatMap(([name, keys]) => (keys.includes(key) ? [`\`${name}\``] : []))
      const message = `the strategy \`${strategy}\` has no \`${key}\`; it is of ${of.join(', ')}`
      findings.push(error([...path, 'targets', index, key], message, { of: 'key' }))
    }
  }
  if (reads.includes('weight')) findings.push(...checkWeights(targets, path))
  if (reads.includes('label')) findings.push(...checkLabels(said, targets, path), ...checkTags(value, model, path))
  return findings
}

/** A second request needs somebody else to go to. */
function checkHedge(value: unknown, model: unknown, path: Path): Finding[] {
  if (at(model, 'hedge') === undefined) return []
  const [only, ...others] = itemsOf(at(model, 'targets'))
  if (others.length > 0 || text(at(only, 'group')) !== null) return []
  const provider = at(at(value, 'providers'), text(at(only, 'provider')) ?? '')
  if (at(only, 'credential') === undefined && itemsOf(at(provider, 'credentials')).length > 1) return []
  return [error([...path, 'hedge'], 'a hedge needs a second target, here is one', { of: 'key' })]
}

function checkWeights(targets: readonly unknown[], path: Path): Finding[] {
  if (targets.length === 0 || targets.some((target) => at(target, 'weight') !== 0)) return []
  return [error([...path, 'targets'], 'every target has the weight 0: one at least needs more')]
}

function checkLabels(strategy: unknown, targets: readonly unknown[], path: Path): Finding[] {
  const findings: Finding[] = []
  const labels = new Set<string>()
  for (const [index, target] of targets.entries()) {
    const label = labelOf(target)
    if (label === null) continue
    if (labels.has(label)) {
      const message = `another target is called \`${label}\`, too; give this one a \`label\` of its own`
      findings.push(error([...path, 'targets', index], message))
    }
    labels.add(label)
  }
  for (const { item, where } of choicesIn(strategy, path)) {
    const label = text(item)
    if (label === null || label === '' || labels.has(label)) continue
    findings.push(error(where, `no target has the label \`${label}\``, { suggestion: suggest(label, labels) }))
  }
  return findings
}

/** A tag of a rule that no target has. What groups hold is not looked at. */
function checkTags(value: unknown, model: unknown, path: Path): Finding[] {
  const targets = itemsOf(at(model, 'targets'))
  if (targets.some((target) => at(target, 'group') !== undefined)) return []
  const tags = new Set<string>()
  for (const target of targets) {
    const provider = at(at(value, 'providers'), text(at(target, 'provider')) ?? '')
    for (const tag of [...itemsOf(at(target, 'tags')), ...itemsOf(at(provider, 'tags'))]) tags.add(text(tag) ?? '')
  }
  return choicesIn(at(model, 'strategy'), path).flatMap(({ item, where }) => {
    const tag = text(at(item, 'tag'))
    if (tag === null || tag === '' || tags.has(tag)) return []
    return [error([...where, 'tag'], `no target has the tag \`${tag}\``, { suggestion: suggest(tag, tags) })]
  })
}

/** What rules name, each with its place. */
function choicesIn(strategy: unknown, path: Path): { readonly item: unknown; readonly where: Path }[] {
  const lists: (readonly [Path, unknown])[] = [[['otherwise'], at(strategy, 'otherwise')]]
  for (const [index, rule] of itemsOf(at(strategy, 'rules')).entries())
    lists.push([['rules', index, 'use'], at(rule, 'use')])
  return lists.flatMap(([place, list]) => {
    const where = [...path, 'strategy', ...place]
    return Array.isArray(list)
      ? list.map((item, index) => ({ item, where: [...where, index] }))
      : [{ item: list, where }]
  })
}

/** What rules call a target: its label, else its group, else `provider/model`. */
function labelOf(target: unknown): string | null {
  const label = text(at(target, 'label')) ?? text(at(target, 'group'))
  if (label !== null) return label
  const [provider, model] = [text(at(target, 'provider')), text(at(target, 'model'))]
  return model === null ? provider : `${provider}/${model}`
}

/** A group must not hold itself, and not too much. */
function checkGroups(value: unknown, name: string, sizes: Map<string, number>): Finding[] {
  const models = at(value, 'models')
  const targets = itemsOf(at(at(models, name), 'targets'))
  for (const [index, target] of targets.entries()) {
    const group = text(at(target, 'group'))
    if (group === null) continue
    const circle = circleThrough(models, name, [group])
    if (circle === null) continue
    const message = `a group cannot hold itself: ${[name, ...circle].map((each) => `\`${each}\``).join(' → ')}`
    return [error(['models', name, 'targets', index, 'group'], message)]
  }
  const size = sizeOf(models, name, sizes)
  if (size <= MOST_TARGETS) return []
  const message = `${size} targets with those of its groups; at most ${MOST_TARGETS}`
  return [error(['models', name, 'targets'], message)]
}

/** The way from the last of `way` back to `goal`; null for none. Circles that do not hold `goal` are theirs to report. */
function circleThrough(models: unknown, goal: string, way: readonly string[]): readonly string[] | null {
  const seen = new Set<string>()
  const search = (so: readonly string[]): readonly string[] | null => {
    const last = so.at(-1) ?? ''
    if (last === goal) return so
    if (seen.has(last)) return null
    seen.add(last)
    for (const target of itemsOf(at(at(models, last), 'targets'))) {
      const group = text(at(target, 'group'))
      const found = group === null ? null : search([...so, group])
      if (found !== null) return found
    }
    return null
  }
  return search(way)
}

function sizeOf(models: unknown, name: string, sizes: Map<string, number>): number {
  const known = sizes.get(name)
  if (known !== undefined) return known
  // While it is counted: a circle, which is reported as one.
  sizes.set(name, 0)
  let size = 0
  for (const target of itemsOf(at(at(models, name), 'targets'))) {
    const group = text(at(target, 'group'))
    size += group === null ? 1 : sizeOf(models, group, sizes)
  }
  sizes.set(name, size)
  return size
}
