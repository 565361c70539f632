/** How faithful a translation was. */
export type Fidelity = 'exact' | 'adapted' | 'lossy'

/** Names in a header and in a record are few; beyond this many one says how many more there are. */
const MOST_NAMES = 32
const INDEX = /\[\d+\]/g
/** What may stand in a header and in a list: anything else of a client's member name becomes `_`. */
const UNSAFE = /[^A-Za-z0-9_.\-[\]/]/g
const LONGEST_NAME = 96
/** Beyond this many names nobody reads them one by one: what is lost still makes the whole lossy. */
const MOST_KEPT = 1024

const NONE: ReadonlySet<string> = new Set()
/** Objects that are what is left of a thing, and which of their members were told all the same. */
const LEFT = new WeakMap<object, ReadonlySet<string>>()

/** Marks an object, or a list of such, as what is left of a thing whose other members were read. */
export function leftOver<Rest extends object>(rest: Rest, told: ReadonlySet<string> = NONE): Rest {
  LEFT.set(rest, told)
  return rest
}

/**
 * What a translation could not carry as it was: filled by decoders and encoders, read by the answer's header and the
 * record. Paths are in the words of the dialect that the thing was written in, without indexes: `messages[].name`.
 */
export class Losses {
  readonly #dropped = new Set<string>()
  readonly #adapted = new Set<string>()
  /** Nothing is sent yet: what is lost may still be fetched, and the request is then translated again. */
  provisional = false

  /** Something the client, or the upstream, said does not arrive on the other side. */
  drop(path: string): void {
    if (this.#dropped.size < MOST_KEPT) this.#dropped.add(nameOf(path))
  }

  /** It arrives in another form with the same meaning, or nearly so: clamped, merged, carried by other means. */
  adapt(path: string): void {
    if (this.#adapted.size < MOST_KEPT) this.#adapted.add(nameOf(path))
  }

  /** Members that only their own dialect knows, of a thing that goes to another one. */
  dropAll(path: string, extra: Readonly<Record<string, unknown>> | undefined): void {
    if (extra === undefined) return
    for (const [name, value] of Object.entries(extra)) this.#dropOne(path === '' ? name : `${path}.${name}`, value)
  }

  /** Of what is left of a thing of which the rest arrived, only that is named. */
  #dropOne(path: string, value: unknown): void {
    const told = typeof value === 'object' && value !== null ? LEFT.get(value) : undefined
    if (told === undefined) return this.drop(path)
    if (Array.isArray(value)) for (const item of value) this.#dropOne(`${path}[]`, item)
    else {
      for (const [name, member] of Object.entries(value ?? {})) {
        if (!told.has(name) && member !== null) this.#dropOne(`${path}.${name}`, member)
      }
    }
  }

  get fidelity(): Fidelity {
    if (this.#dropped.size > 0) return 'lossy'
    return this.#adapted.size > 0 ? 'adapted' : 'exact'
  }

  get dropped(): readonly string[] {
    return [...this.#dropped]
  }

  get adapted(): readonly string[] {
    return [...this.#adapted]
  }

  /** The value of `x-ferro-translation`: `exact`, or `lossy; dropped=a,b; adapted=c`. */
  header(): string {
    let text: string = this.fidelity
    if (this.#dropped.size > 0) text += `; dropped=${listed(this.#dropped)}`
    if (this.#adapted.size > 0) text += `; adapted=${listed(this.#adapted)}`
    return text
  }
}

function nameOf(path: string): string {
  const name = path.replace(INDEX, '[]').replace(UNSAFE, '_')
  return name.length > LONGEST_NAME ? name.slice(0, LONGEST_NAME) : name
}

/**
 * Names for a header, few: where there are more, those of one thing become one, with their count (`messages[].text.*(40)`), the
 * largest such group first.
 */
function listed(names: ReadonlySet<string>): string {
  const shown = new Map<string, number>([...names].map((name) => [name, 1]))
  // Each round takes the things with the most names first; the next one takes what these stand in.
  for (let before = Number.POSITIVE_INFINITY; shown.size > MOST_NAMES && shown.size < before; ) {
    before = shown.size
    const groups = [...Map.groupBy(shown.keys(), parentOf)].sort(([, one], [, other]) => other.length - one.length)
    for (const [parent, members] of groups) {
      if (members.length < 2 || shown.size <= MOST_NAMES) break
      const count = members.reduce((sum, name) => sum + (shown.get(name) ?? 0), 0)
      for (const name of members) shown.delete(name)
      shown.set(parent === '' ? '*' : `${parent}.*`, count)
    }
  }
  const all = [...shown].map(([name, count]) => (count === 1 ? name : `${name}(${count})`))
  const rest = all.length - MOST_NAMES
  return rest > 0 ? `${all.slice(0, MOST_NAMES).join(',')},and-${rest}-more` : all.join(',')
}

/** The thing that a name is a member of; of a group, that of the group. */
function parentOf(name: string): string {
  const own = name.endsWith('.*') ? name.slice(0, -2) : name
  return own.slice(0, Math.max(0, own.lastIndexOf('.')))
}
