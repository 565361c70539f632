import { type Exchange, GatewayError, type Hook } from '../../../core/index.ts'
import { FieldProblem } from '../../ir/fields.ts'
import { isObject, type JsonObject, parseExact, writeJson } from '../../ir/json.ts'
import { Losses } from '../../ir/losses.ts'
import type { ModelRegistry } from '../../models/registry.ts'
import { decodedSegment } from '../../path-segment.ts'
import { problemOf } from '../../translate/translation.ts'
import { geminiEmbeddings } from '../codecs/gemini-embeddings.ts'
import type { Operation } from '../operation.ts'
import { operationRouting, type PrepareOperation } from '../operation-attempts.ts'
import { checkJsonType, chooseTargets, encodeFor } from '../operation-route.ts'
import { OperationState } from '../operation-state.ts'
import { countedAnswer, type EmbedMethod, embedAnswer, nativeBody, readEmbedRequest } from './embed-words.ts'

const METHOD = /^\/v1(?:beta)?\/models\/(.+):(embedContent|batchEmbedContents)$/

/** Whether a path asks for vectors in Google's words. */
export function isEmbedPath(path: string): boolean {
  return METHOD.test(path)
}

/** The `inspect` hook of requests of Google's clients for vectors, whoever makes them. */
export function createEmbedInspect(registry: ModelRegistry, operation: Operation): Hook {
  const routing = operationRouting(registry, operation, prepareEmbed)
  return (x) => {
    const wrongType = checkJsonType(x)
    if (wrongType !== null) return wrongType
    const [, segment = '', method] = METHOD.exec(x.path) ?? []
    const body = bodyOf(x)
    if (body instanceof GatewayError) return body
    try {
      const request = readEmbedRequest(method as EmbedMethod, body) // the expression has these two
      const facts = {
        model: decodedSegment(segment),
        stream: false,
        textBytes: request.textBytes,
        characters: 0,
        count: 1,
        uploadBytes: 0,
      }
      const state = new OperationState(operation, facts)
      state.embeds = request
      state.vectors = 'float'
      x.surface = state
      return chooseTargets(x, registry, { state, routing })
    } catch (error) {
      if (error instanceof FieldProblem) return problemOf(error)
      throw error
    }
  }
}

const prepareEmbed: PrepareOperation = (x, state, { model, serving, provider }) => {
  const { embeds } = state
  if (embeds === null) throw new Error(`request ${x.id} lost its body`)
  if (serving.codec === geminiEmbeddings) {
    // Its own vendor gets it as it is, and the client gets the answer as it is.
    state.path = serving.path(provider, model).replace(/[^:]+$/, embeds.method)
    state.body = Buffer.from(writeJson(nativeBody(embeds, model)))
    state.decode = (answer) => countedAnswer(embeds, answer) ?? noVectors()
    state.encode = (_told, answer) => answer
    return null
  }
  if (embeds.told instanceof FieldProblem) return problemOf(embeds.told)
  state.encode = (told) => embedAnswer(embeds, told)
  const problem = encodeFor(x, state, { model, serving, request: embeds.told })
  if (problem !== null) return problem
  state.losses ??= new Losses()
  for (const name of embeds.lost) state.losses.drop(name)
  return null
}

function noVectors(): GatewayError {
  return new GatewayError('upstream_invalid_response', 'The upstream answered without vectors.')
}

function bodyOf({ body }: Exchange): JsonObject | GatewayError {
  if (body === null || body.length === 0) {
    return new GatewayError('invalid_json', 'The request has no body; a JSON object is needed.')
  }
  try {
    const value = parseExact(body.toString('utf8'))
    return isObject(value) ? value : new GatewayError('invalid_request', 'The body must be a JSON object.')
  } catch {
    return new GatewayError('invalid_json', 'The body is not valid JSON.')
  }
}
