import type { Gate } from '../phases.ts'
import { acceptedCodings } from './accept-encoding.ts'
import { EncodingClient } from './encoding-client.ts'
import { compileEncodingRules, type EncodeConfig } from './encoding-rules.ts'
import { OpenEncodings } from './open-encodings.ts'

/** Answers of one route that one thread compresses piece by piece at a time; more are sent as they are. */
const MAX_OPEN = 128

/**
 * The gate of a route with `encode`: whatever answers behind it, errors included, is compressed where client and answer
 * allow. Clients that take nothing compressed pass it too: caches must be told that others may.
 */
export function createEncodeGate(config: EncodeConfig): Gate {
  const rules = compileEncodingRules(config)
  const open = new OpenEncodings(MAX_OPEN)
  return (x) => {
    x.client = new EncodingClient(x.client, x, { rules, accepted: acceptedCodings(x.head, rules.algorithms), open })
    return null
  }
}
