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
