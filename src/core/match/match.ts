import { GatewayError } from '../errors.ts'
import type { Exchange } from '../exchange.ts'
import type { MethodTable } from '../plan.ts'
import { hasEncodedSlash } from './target.ts'

/** Sets `x.route` (and `x.rest` for a prefix route), or says what is missing. */
export function match(x: Exchange): GatewayError | null {
  const exact = x.plan.paths.get(x.path)
  if (exact !== undefined) return choose(x, exact)
  for (const [prefix, methods] of x.plan.prefixes) {
    if (x.path.length > prefix.length && x.path.startsWith(prefix)) {
      const rest = decode(x.path.slice(prefix.length))
      if (rest === null) return new GatewayError('invalid_target', 'The path has an encoding that is not UTF-8.')
      x.rest = rest
      return choose(x, methods)
    }
  }
  if (hasEncodedSlash(x.path)) return new GatewayError('invalid_target', 'The path has an encoded slash.')
  return new GatewayError('not_found', `There is no ${x.method} ${x.path} here.`)
}

function choose(x: Exchange, methods: MethodTable): GatewayError | null {
  const route = Object.hasOwn(methods, x.method) ? methods[x.method] : undefined
  if (route !== undefined) {
    x.route = route
    return null
  }
  const allow = Object.keys(methods).join(', ')
  return new GatewayError('method_not_allowed', `${x.path} takes ${allow}, not ${x.method}.`, { allow })
}

function decode(text: string): string | null {
  if (!text.includes('%')) return text
  try {
    return decodeURIComponent(text)
  } catch {
    return null // malformed encoding: the caller answers 400
  }
}
