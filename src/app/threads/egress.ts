import type { ConfigDocument } from '../../config/index.ts'
import { Connector, compileEgressPolicy, dnsNames, type EgressEvent, Resolver } from '../../core/index.ts'

/** The door of one worker through which all its connections leave. */
export function createConnector(
  { egress }: Pick<ConfigDocument, 'egress'>,
  observe: (event: EgressEvent) => void,
): Connector {
  const rules = egress.rules.map(({ id, action, named_by: namedBy, hosts, addresses, ports }) => ({
    id,
    action,
    ...(namedBy === undefined ? {} : { namedBy }),
    ...(hosts === undefined ? {} : { hosts }),
    ...(addresses === undefined ? {} : { addresses }),
    ...(ports === undefined ? {} : { ports }),
  }))
  const resolver = egress.dns === 'system' ? new Resolver() : new Resolver({ source: dnsNames() })
  return new Connector({ policy: compileEgressPolicy(rules), resolver, observe })
}
