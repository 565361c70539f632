import type { ConfigDocument } from '../../config/index.ts'
import {
  Connector,
  compileEgressPolicy,
  dnsNames,
  type EgressEvent,
  type EgressPolicy,
  Resolver,
} from '../../core/index.ts'
import { egressRules } from '../egress-rules.ts'

/** The door of one worker through which all its connections leave. */
export function createConnector(
  document: Pick<ConfigDocument, 'egress'>,
  observe: (event: EgressEvent) => void,
): Omit<PolicedDoor, 'key'> {
  const resolver = document.egress.dns === 'system' ? new Resolver() : new Resolver({ source: dnsNames() })
  const policy = compileEgressPolicy(egressRules(document))
  return { policy, connector: new Connector({ policy, resolver, observe }) }
}

/** A connector and what tells it from others: connections that one policy allowed are not used under another. */
export interface EgressDoor {
  readonly key: string
  readonly connector: Connector
}

/** With the policy itself, for what URLs say beside the host. */
export interface PolicedDoor extends EgressDoor {
  readonly policy: EgressPolicy
}

/** The doors of one worker: plans that follow each other share one as long as the policy is the same. */
export class EgressDoors {
  readonly #observe: (event: EgressEvent) => void
  #last: PolicedDoor | null = null

  constructor(observe: (event: EgressEvent) => void) {
    this.#observe = observe
  }

  doorFor(document: Pick<ConfigDocument, 'egress'>): PolicedDoor {
    const key = JSON.stringify(document.egress)
    if (this.#last?.key !== key) this.#last = { key, ...createConnector(document, this.#observe) }
    return this.#last
  }
}
