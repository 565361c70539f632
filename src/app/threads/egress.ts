import type { ConfigDocument } from '../../config/index.ts'
import { Connector, compileEgressPolicy, dnsNames, type EgressEvent, Resolver } from '../../core/index.ts'
import { egressRules } from '../egress-rules.ts'

/** The door of one worker through which all its connections leave. */
export function createConnector(
  document: Pick<ConfigDocument, 'egress'>,
  observe: (event: EgressEvent) => void,
): Connector {
  const resolver = document.egress.dns === 'system' ? new Resolver() : new Resolver({ source: dnsNames() })
  return new Connector({ policy: compileEgressPolicy(egressRules(document)), resolver, observe })
}

/** A connector and what tells it from others: connections that one policy allowed are not used under another. */
export interface EgressDoor {
  readonly key: string
  readonly connector: Connector
}

/** The doors of one worker: plans that follow each other share one as long as the policy is the same. */
export class EgressDoors {
  readonly #observe: (event: EgressEvent) => void
  #last: EgressDoor | null = null

  constructor(observe: (event: EgressEvent) => void) {
    this.#observe = observe
  }

  doorFor(document: Pick<ConfigDocument, 'egress'>): EgressDoor {
    const key = JSON.stringify(document.egress)
    if (this.#last?.key !== key) this.#last = { key, connector: createConnector(document, this.#observe) }
    return this.#last
  }
}
