import { answerWith, type Exchange, GatewayError } from '../../core/index.ts'
import { allowed, unknownModel } from '../conversation/conversation-route.ts'
import type { ClientDialectName } from '../conversation/readers.ts'
import { dialectOf } from '../dialects/tables.ts'
import type { TokenCountDialect } from '../dialects/token-counts.ts'
import { FieldProblem } from '../ir/fields.ts'
import { isObject, parseExact, writeJson } from '../ir/json.ts'
import { Losses } from '../ir/losses.ts'
import type { ModelRequest } from '../ir/request.ts'
import type { ModelRegistry } from '../models/registry.ts'
import type { ModelTarget } from '../models/target.ts'
import { chooseTarget } from '../routing/choose.ts'
import { plainFacts } from '../routing/request-facts.ts'
import { problemOf } from '../translate/translation.ts'
import { CountCandidate } from './count-candidate.ts'
import { estimateRequest } from './estimate-request.ts'

/**
 * Answers how many tokens a request has: by the model's vendor where its dialect can say it, else by an estimate of ours, which
 * the header `x-ferro-token-count` tells.
 */
export function countTokens(
  x: Exchange,
  registry: ModelRegistry,
  dialect: ClientDialectName,
  pathModel: string | null,
): GatewayError | null {
  const { counts } = dialectOf(dialect)
  if (counts === undefined) return new GatewayError('not_found', 'Nothing is counted in this dialect.')
  try {
    const request = read(x, counts, pathModel)
    const group = registry.resolve(request.model)
    if (group === null || !allowed(x, registry, request.model)) return unknownModel(request.model)
    const facts = plainFacts(x, 'count', request.model)
    const chosen = chooseTarget(x, { registry, group, facts })
    if (chosen instanceof GatewayError) return chosen
    const { target } = chosen
    const candidate = candidateFor(target, request, counts)
    if (candidate !== null) {
      x.candidates = [candidate]
      return null
    }
    const body = Buffer.from(JSON.stringify(counts.encodeAnswer(estimateRequest(request))))
    const headers = [
      'content-type',
      'application/json',
      'x-ferro-model',
      target.name,
      'x-ferro-token-count',
      'estimated',
    ]
    answerWith(x, 200, { headers, body })
    return null
  } catch (error) {
    if (error instanceof FieldProblem) return problemOf(error)
    throw error
  }
}

function read(x: Exchange, counts: TokenCountDialect, pathModel: string | null): ModelRequest {
  let value: unknown
  try {
    value = parseExact((x.body ?? Buffer.alloc(0)).toString('utf8'))
  } catch {
    throw new FieldProblem('', 'is not valid JSON')
  }
  if (!isObject(value)) throw new FieldProblem('', 'must be a JSON object')
  return counts.decodeRequest(value, { model: pathModel, stream: false, losses: new Losses() })
}

function candidateFor(target: ModelTarget, request: ModelRequest, client: TokenCountDialect): CountCandidate | null {
  const endpoint = target.endpointWhere((name) => dialectOf(name).counts !== undefined)
  const upstream = endpoint === null ? undefined : dialectOf(endpoint.endpoint.dialect).counts
  if (endpoint === null || upstream === undefined) return null
  const body = endpoint.countBody(request, upstream)
  return new CountCandidate({
    target,
    endpoint,
    path: upstream.path(endpoint.path(false)),
    body: Buffer.from(writeJson(body)),
    read: (answer) => upstream.decodeAnswer(answer),
    answer: (tokens) => client.encodeAnswer(tokens),
  })
}
