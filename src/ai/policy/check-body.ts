import { type Exchange, type Gate, GatewayError, type Route } from '../../core/index.ts'
import { type BodyFacts, principalOf, type Ruling } from '../../governance/index.ts'
import { isObject } from '../ir/json.ts'
import { forwardStateOf } from '../operations/forward/forward-state.ts'
import { FormUpload } from '../operations/multipart/form-upload.ts'
import { aroundInspect } from './around-inspect.ts'
import { valuesOf } from './parameters.ts'
import { readStrictJson } from './strict-json.ts'
import { toolsIn } from './tool-names.ts'

/** Members that stand for what is kept at the vendor, tools and parameters among it. */
const KEPT = ['prompt', 'cachedContent', 'cached_content']
const STREAM_METHOD = /:stream[A-Za-z]+$/

/** Why the policies of a request refuse what its JSON body asks for; null: they do not. */
export function policyProblem(ruling: Ruling, body: Buffer, path = ''): GatewayError | null {
  const value = readStrictJson(body)
  if (value instanceof GatewayError) return value
  return isObject(value) ? ruling.refusingBody(factsOf(value, path)) : null
}

/** The same of a body whose words nobody knows here: whatever stands in it anywhere is looked at. */
function wholeProblem(ruling: Ruling, body: Buffer): GatewayError | null {
  const value = readStrictJson(body)
  if (value instanceof GatewayError) return value
  const facts = objectsIn(value).map((each) => factsOf(each))
  return ruling.refusingBody({
    tools: facts.flatMap(({ tools }) => tools),
    values: (parameter) => facts.flatMap(({ values }) => values(parameter)),
    unread: facts.find(({ unread }) => unread !== null)?.unread ?? null,
  })
}

function objectsIn(value: unknown): Readonly<Record<string, unknown>>[] {
  if (Array.isArray(value)) return value.flatMap(objectsIn)
  return isObject(value) ? [value, ...Object.values(value).flatMap(objectsIn)] : []
}

/** What policies go by of a JSON body, and of a path that says how to answer. */
export function factsOf(value: Readonly<Record<string, unknown>>, path = ''): BodyFacts {
  const streams = STREAM_METHOD.test(path) ? [true] : []
  return {
    tools: toolsIn(value),
    values: (parameter) => [...(parameter === 'stream' ? streams : []), ...valuesOf(value, parameter)],
    unread: KEPT.find((name) => isObject(value[name]) || (name !== 'prompt' && Object.hasOwn(value, name))) ?? null,
  }
}

/** Routes whose bodies are no requests for a model, or are checked by whoever reads them. */
const OTHERWISE: ReadonlySet<string> = new Set(['files', 'batches'])

/**
 * A route whose requests pass the policies on tools and parameters before anything else is read of them, and those on
 * providers when they are passed on to one as they are. Targets of models are held to the others where they are chosen.
 */
export function underPolicies(route: Route): Route {
  return aroundInspect(route, (inspect, { name }) => ruled(inspect, name))
}

function ruled(inspect: Gate, name: string): Gate {
  const checked = new WeakSet<Exchange>()
  return (x) => {
    const { ruling } = principalOf(x)
    if (ruling === null) return inspect(x)
    if (ruling.readsBodies && !checked.has(x)) {
      const problem = OTHERWISE.has(name) ? null : problemOf(x, ruling)
      if (problem !== null) return problem
      checked.add(x)
    }
    const verdict = inspect(x)
    const forward = verdict === null ? forwardStateOf(x) : null
    if (forward === null) return verdict
    // Whoever was chosen by the name of a model was chosen among targets that the policies let serve.
    const tags = x.attempting === null ? forward.provider.tags : null
    return providerProblem(forward.provider.upstream.name, tags, ruling)
  }
}

function providerProblem(provider: string, tags: ReadonlySet<string> | null, ruling: Ruling): GatewayError | null {
  const policy = ruling.refusingProvider(provider, tags)
  return policy === null ? null : ruling.refusal(policy, `The provider "${provider}" is not allowed`)
}

function problemOf(x: Exchange, ruling: Ruling): GatewayError | null {
  const { body, surface, head } = x
  if (surface instanceof FormUpload) return formProblem(surface, ruling)
  if (body !== null && body.length > 0) {
    return x.route?.name === 'passthrough' ? wholeProblem(ruling, body) : policyProblem(ruling, body, x.path)
  }
  // What is said in a session, or in a body that streams through, is not read here.
  const unread = head.get('upgrade') !== null ? 'session' : head.contentLength > 0 || head.chunked ? 'body' : null
  return unread === null ? null : ruling.refusingBody({ tools: [], values: () => [], unread })
}

/** Of a form only some fields are read here; the others may say anything. */
function formProblem({ fields }: FormUpload, ruling: Ruling): GatewayError | null {
  const { n, stream } = fields
  const known: Readonly<Record<string, unknown>> = {
    n: numberOf(n),
    stream: stream === null ? null : stream === 'true',
  }
  const asked = ruling.rules.flatMap(({ allow, deny }) => [...(allow.parameters ?? []), ...(deny.parameters ?? [])])
  const unread = asked.find(({ name }) => !Object.hasOwn(known, name))?.name ?? null
  const values = (name: string) => (known[name] === null || known[name] === undefined ? [] : [known[name]])
  return ruling.refusingBody({ tools: [], values, unread: unread === null ? null : 'form' })
}

function numberOf(text: string | null): number | null {
  return text === null ? null : Number(text)
}
