import type { ConfigDocument } from '../config/index.ts'
import type { EgressRule } from '../core/index.ts'

/** The egress rules of a document as the connector takes them. */
export function egressRules({ egress }: Pick<ConfigDocument, 'egress'>): EgressRule[] {
  return egress.rules.map(({ id, action, named_by: namedBy, hosts, addresses, ports }) => ({
    id,
    action,
    ...(namedBy === undefined ? {} : { namedBy }),
    ...(hosts === undefined ? {} : { hosts }),
    ...(addresses === undefined ? {} : { addresses }),
    ...(ports === undefined ? {} : { ports }),
  }))
}
