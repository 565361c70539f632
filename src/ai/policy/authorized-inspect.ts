import { type Exchange, type Gate, GatewayError, type Route, resume, WAIT } from '../../core/index.ts'
import { principalOf } from '../../governance/index.ts'
import { createScanner, readString } from '../../lib/index.ts'
import { FormUpload } from '../operations/multipart/form-upload.ts'
import { OPERATIONS } from '../operations/table.ts'
import { CONVERSATIONS, COUNTS } from '../surfaces/conversations.ts'
import { aroundInspect } from './around-inspect.ts'

/** Whose requests are about one model: what they do, by the route's name. The other routes do `<name>` on every model. */
const ACTIONS: ReadonlyMap<string, string> = new Map(
  [...CONVERSATIONS, ...COUNTS, ...OPERATIONS].map(({ name, scope }) => [name, scope] as const),
)
/** They name models, and use none. */
const LISTS: ReadonlySet<string> = new Set(['models.list', 'models.get', 'capabilities'])
const MODEL_PATH = /\/models\/([^/]+(?:\/[^/]+)*):[A-Za-z]+$/
const scanner = createScanner(['model'], { maxDepth: 128 })

/** A route whose requests are asked for where somebody outside decides about their principal. */
export function underAuthority(route: Route): Route {
  return aroundInspect(route, (inspect, { name }) => (LISTS.has(name) ? inspect : authorized(inspect, name)))
}

function authorized(inspect: Gate, name: string): Gate {
  const allowed = new WeakSet<Exchange>()
  const action = actionOf(name)
  return (x) => {
    const { authority } = principalOf(x)
    if (authority === null || allowed.has(x) || isLook(x, name)) return inspect(x)
    const verdict = authority.authorize(action ?? name, `model:${action === undefined ? '*' : modelOf(x)}`)
    if (!(verdict instanceof Promise)) {
      if (verdict !== null) return verdict
      allowed.add(x)
      return inspect(x)
    }
    verdict.then(
      (problem) => {
        allowed.add(x)
        resume(x, problem)
      },
      (cause: unknown) => resume(x, new GatewayError('internal_error', 'What was answered cannot be used.', { cause })),
    )
    return WAIT
  }
}

/** What is below a conversation's path is about the same models. */
function actionOf(name: string): string | undefined {
  return ACTIONS.get(name) ?? ACTIONS.get(name.split('.', 1)[0] ?? '')
}

/**
 * Whether another model than the one that was asked for may serve a request. Nobody waits for whom to ask: what is not known yet is asked
 * for, and counts as no.
 */
export function mayBeServedBy(x: Exchange, model: string): boolean {
  const { authority } = principalOf(x)
  const name = x.route?.name ?? ''
  return authority === null || authority.authorize(actionOf(name) ?? name, `model:${model}`) === null
}

/** What a key has is looked at, or taken away: no model does anything. */
function isLook({ method, head, body }: Exchange, name: string): boolean {
  if (name === 'passthrough' || head.get('upgrade') !== null) return false
  return method === 'GET' || method === 'DELETE' || (name === 'responses.cancel' && (body?.length ?? 0) === 0)
}

/** The model that a request names; `*` for one that does not, which then asks for all of them. */
function modelOf(x: Exchange): string {
  const { body, surface, path } = x
  if (surface instanceof FormUpload) return surface.fields.model ?? '*'
  const inPath = MODEL_PATH.exec(path)?.[1]
  if (inPath !== undefined) return decoded(inPath)
  if (body === null) return '*'
  const scanned = scanner.scan(body)
  if (scanned.kind !== 'object' || !scanned.has(0)) return '*'
  return readString(body, scanned.valueStart(0), scanned.valueEnd(0)) ?? '*'
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    return '*' // the route refuses it
  }
}
