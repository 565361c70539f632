import { hash } from 'node:crypto'
import type { ConfigDocument } from '../../config/index.ts'
import type { KeyPrincipal } from '../key-principal.ts'
import type { Conditions, PolicyPlace } from './conditions.ts'
import { compileRule, type Rule } from './rule.ts'
import { Ruling } from './ruling.ts'

const VERSION_DIGITS = 12
/** Sets of policies that a principal was under; beyond it they are made anew. */
const MAX_SETS = 64

/** What is known of one principal: which policies apply, and which may. */
interface ForPrincipal {
  readonly always: readonly Rule[]
  /** By where and when a request comes. */
  readonly sometimes: readonly Rule[]
  /** The principal under a set of policies, by which of the second list are in it. */
  readonly under: Map<string, KeyPrincipal>
}

/** Why a policy does not apply to a request. */
export type NotApplied = 'match' | 'except'

/** All policies of a configuration, compiled. */
export class Policies {
  readonly rules: readonly Rule[]
  /** Names what they all say: the same for the same text of the section. */
  readonly version: string
  readonly #known = new WeakMap<KeyPrincipal, ForPrincipal>()

  private constructor(document: Pick<ConfigDocument, 'policies'>) {
    this.rules = document.policies.map(compileRule)
    this.version = hash('sha256', JSON.stringify(document.policies)).slice(0, VERSION_DIGITS)
  }

  /** Null when there are none: then nobody asks. */
  static compile(document: Pick<ConfigDocument, 'policies'>): Policies | null {
    return document.policies.length === 0 ? null : new Policies(document)
  }

  /** The principal as the policies that apply to this request leave it: itself when there are none. */
  under(principal: KeyPrincipal, place: PolicyPlace): KeyPrincipal {
    let known = this.#known.get(principal)
    if (known === undefined) {
      known = this.#read(principal)
      this.#known.set(principal, known)
    }
    const { always, sometimes, under } = known
    if (sometimes.length === 0 && always.length === 0) return principal
    let set = ''
    for (const rule of sometimes) set += whyNot(rule, place) === null ? '1' : '0'
    const made = under.get(set)
    if (made !== undefined) return made
    // In the order of the configuration, so that the same request is refused by the same policy.
    const applied = this.rules.filter((rule) => {
      const at = sometimes.indexOf(rule)
      return at < 0 ? always.includes(rule) : set[at] === '1'
    })
    const result = applied.length === 0 ? principal : principal.under(new Ruling(applied, this.version))
    if (under.size >= MAX_SETS) under.clear()
    under.set(set, result)
    return result
  }

  /** Why a policy does not apply to a request; null: it does. */
  whyNot(rule: Rule, principal: KeyPrincipal, place: PolicyPlace): NotApplied | null {
    return whyNever(rule, principal) ?? whyNot(rule, place)
  }

  #read(principal: KeyPrincipal): ForPrincipal {
    const possible = this.rules.filter((rule) => whyNever(rule, principal) === null)
    const depends = ({ match, except }: Rule) => match.place.length > 0 || (except?.place.length ?? 0) > 0
    return {
      always: possible.filter((rule) => !depends(rule)),
      sometimes: possible.filter(depends),
      under: new Map(),
    }
  }
}

function whyNever({ match, except }: Rule, principal: KeyPrincipal): NotApplied | null {
  if (!match.subject.every((holds) => holds(principal))) return 'match'
  return someSubject(except, principal) ? 'except' : null
}

function someSubject(except: Conditions | null, principal: KeyPrincipal): boolean {
  return except?.subject.some((holds) => holds(principal)) === true
}

function whyNot({ match, except }: Rule, place: PolicyPlace): NotApplied | null {
  if (!match.place.every((holds) => holds(place))) return 'match'
  return except?.place.some((holds) => holds(place)) === true ? 'except' : null
}
