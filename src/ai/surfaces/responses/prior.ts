import { type Exchange, type Gate, GatewayError, type WAIT } from '../../../core/index.ts'
import { principalOf } from '../../../governance/index.ts'
import type { ContentPort } from '../../../storage/index.ts'
import { LookUps } from '../../look-ups.ts'
import type { ModelRegistry } from '../../models/registry.ts'
import type { RoutingTarget } from '../../routing/contract.ts'
import { isOfMaker, type Maker, readMaker } from './maker.ts'
import { type Referring, referringOf, resolved } from './prior-turns.ts'
import { readUsed, usedName } from './relayed-answers.ts'

/** What a request goes on with, once it was looked up. */
export interface Prior {
  readonly asked: Referring
  /** The request with everything in it; null: what it names is not kept here, or by its maker. */
  readonly whole: Buffer | null
  /** Who keeps what it names; null: the gateway, or nobody that is known. */
  readonly maker: Maker | null
  /** Tokens that the turns before had come to, where their maker keeps them; null: nobody knows. */
  readonly usedTokens: number | null
}

export interface PriorTurnsOptions {
  readonly content: ContentPort
  readonly registry: ModelRegistry
  /** False: only what upstreams keep can be named. */
  readonly keepsAnswers: boolean
}

/** Looks up what requests name instead of holding it; each is looked up once. */
export class PriorTurns {
  readonly #options: PriorTurnsOptions
  readonly #known = storedLookUps<Prior>()

  constructor(options: PriorTurnsOptions) {
    this.#options = options
  }

  /** Null when the request holds everything; WAIT: the hook is asked again when it is known. */
  of(x: Exchange): Prior | typeof WAIT | null {
    const known = this.#known.of(x)
    if (known !== undefined) return known
    const asked = x.body === null ? null : referringOf(x.body)
    return asked === null ? null : this.#known.begin(x, this.#lookUp(principalOf(x).id, asked))
  }

  /** Of a request that was looked up: the targets that can go on with what it names; null: all. */
  readonly servers = (x: Exchange): ((target: RoutingTarget) => boolean) | null => {
    const maker = this.#known.of(x)?.maker ?? null
    return maker === null ? null : ({ target }) => isOfMaker(maker, target)
  }

  /** Why a request cannot go to its model, none of whose targets is of the one that keeps what it names; null: it can. */
  elsewhere({ asked, maker }: Prior): GatewayError | null {
    const { model } = asked.body
    const group = typeof model === 'string' ? this.#options.registry.resolve(model) : null
    if (maker === null || group === null) return null
    if (group.targets.some(({ target }) => isOfMaker(maker, target))) return null
    const { param, id } = namedBy(asked)
    const message = `"${param}": ${shown(id)} is kept by the provider "${maker.provider}", and the model named is not one of its models that could go on with it. Name one of them, or send the whole conversation as "input".`
    return new GatewayError('invalid_request', message, { param })
  }

  async #lookUp(tenant: string, asked: Referring): Promise<Prior> {
    const { content, keepsAnswers } = this.#options
    const named = asked.conversation ?? asked.previous
    const [texts, used] =
      named === null
        ? [[], null]
        : await Promise.all([content.chain(tenant, named), content.chain(tenant, usedName(named))])
    const usedTokens = readUsed(used)
    const maker = texts === null ? null : readMaker(texts.at(-1) ?? '')
    if (maker !== null) return { asked, whole: null, maker, usedTokens }
    if (asked.conversation !== null || !keepsAnswers) return { asked, whole: null, maker: null, usedTokens }
    const whole = texts === null ? null : await resolved(asked, texts, { tenant, content })
    return { asked, whole, maker: null, usedTokens }
  }
}

/** A relay that names what nobody here made for this key. */
export function unknownPrior({ asked }: Prior): GatewayError | null {
  const { param, id } = namedBy(asked)
  if (id === null) return null
  const message = `"${param}": ${shown(id)} not found: this key has none of this name. Send the whole conversation as "input".`
  return new GatewayError('invalid_request', message, { param })
}

function namedBy({ conversation, previous }: Referring): { readonly param: string; readonly id: string | null } {
  return conversation === null
    ? { param: 'previous_response_id', id: previous }
    : { param: 'conversation', id: conversation }
}

function shown(id: string | null): string {
  const text = id ?? ''
  return `'${text.length > 128 ? `${text.slice(0, 128)}…` : text}'`
}

/** What is kept of answers, for requests that name it. */
export function storedLookUps<T>(): LookUps<T> {
  return new LookUps('Stored answers cannot be read')
}

/** As `inspect` hooks answer. */
export type Verdict = ReturnType<Gate>
