import { answerWith, type Exchange, GatewayError, type Hook } from '../../core/index.ts'
import { type CallerDialect, callerDialect } from '../conversation/caller-dialect.ts'
import { allowed, unknownModel } from '../conversation/conversation-route.ts'
import { requestIdHeaders } from '../conversation/errors.ts'
import type { ModelRegistry } from '../models/registry.ts'
import { anthropicModel, geminiModel, type ListedModel, openaiModel } from './model-shapes.ts'

/** What the shapes of a list have in common: each caller gets the one of its own dialect. */
export interface ModelLists {
  /** `GET /v1/models`, in the shape of the caller's dialect. */
  readonly list: Hook
  /** `GET /v1/models/{id}`; the id may hold slashes. */
  readonly detail: Hook
  /** `GET /v1beta/models` and `GET /v1beta/models/{id}`. */
  readonly geminiList: Hook
  readonly geminiDetail: Hook
}

/** What this key may use. `created` is when the plan was made, in seconds. */
export function createModelLists(registry: ModelRegistry, created: number): ModelLists {
  const visible = (x: Exchange): ListedModel[] => {
    const found: ListedModel[] = []
    for (const { name, entry } of registry.list()) {
      if (allowed(x, registry, name)) found.push({ name, ownedBy: entry.ownedBy, target: entry.group.first, created })
    }
    return found
  }
  const one = (x: Exchange): ListedModel | null => {
    const group = registry.resolve(x.rest)
    if (group === null || !allowed(x, registry, x.rest)) return null
    return { name: x.rest, ownedBy: group.first.provider, target: group.first, created }
  }
  const single = (shape: (x: Exchange) => (model: ListedModel) => object): Hook => {
    return (x) => {
      const model = one(x)
      if (model === null) return unknownModel(x.rest)
      return say(x, shape(x)(model))
    }
  }
  return {
    list(x) {
      const page = PAGES[callerDialect(x)](visible(x), new URLSearchParams(x.query))
      return page instanceof GatewayError ? page : say(x, page)
    },
    detail: single((x) => SHAPES[callerDialect(x)]),
    geminiList(x) {
      const page = geminiPage(visible(x), new URLSearchParams(x.query))
      return page instanceof GatewayError ? page : say(x, page)
    },
    geminiDetail: single(() => geminiModel),
  }
}

const SHAPES: Readonly<Record<CallerDialect, (model: ListedModel) => object>> = {
  'openai-chat': openaiModel,
  'anthropic-messages': anthropicModel,
  gemini: geminiModel,
}

type Paging = (models: readonly ListedModel[], query: URLSearchParams) => object | GatewayError

const PAGES: Readonly<Record<CallerDialect, Paging>> = {
  'openai-chat': (models) => ({ object: 'list', data: models.map(openaiModel) }),
  'anthropic-messages': messagesPage,
  gemini: geminiPage,
}

function say(x: Exchange, body: object): null {
  const headers = ['content-type', 'application/json', ...requestIdHeaders(callerDialect(x), x)]
  answerWith(x, 200, { headers, body: Buffer.from(JSON.stringify(body)) })
  return null
}

/** `after_id` and `before_id` are names of a page's ends; 20 models unless `limit` says otherwise. */
function messagesPage(models: readonly ListedModel[], query: URLSearchParams): object | GatewayError {
  const limit = sizeOf(query, 'limit', 20)
  if (limit instanceof GatewayError) return limit
  const after = query.get('after_id')
  const before = query.get('before_id')
  const end = before === null ? models.length : indexOf(models, before)
  const start = after === null ? (before === null ? 0 : Math.max(0, end - limit)) : indexOf(models, after) + 1
  const page = models.slice(start, Math.min(end, start + limit))
  return {
    data: page.map(anthropicModel),
    has_more: after === null && before !== null ? start > 0 : start + page.length < end,
    first_id: page[0]?.name ?? null,
    last_id: page.at(-1)?.name ?? null,
  }
}

/** The token of a page is the name of the last model before it. */
function geminiPage(models: readonly ListedModel[], query: URLSearchParams): object | GatewayError {
  const size = sizeOf(query, 'pageSize', 50)
  if (size instanceof GatewayError) return size
  const token = query.get('pageToken')
  const start = token === null || token === '' ? 0 : indexOf(models, token) + 1
  const page = models.slice(start, start + size)
  const last = page.at(-1)
  const more = start + page.length < models.length && last !== undefined
  return { models: page.map(geminiModel), ...(more ? { nextPageToken: last.name } : {}) }
}

/** A name that is no longer there ends the list: what stood behind it is not known. */
function indexOf(models: readonly ListedModel[], name: string): number {
  const found = models.findIndex((model) => model.name === name)
  return found < 0 ? models.length : found
}

function sizeOf(query: URLSearchParams, name: string, usual: number): number | GatewayError {
  const text = query.get(name)
  if (text === null || text === '') return usual
  const size = Number(text)
  if (/^\d{1,6}$/.test(text) && size >= 1) return Math.min(size, 1_000)
  return new GatewayError('invalid_request', `"${name}": expected an integer from 1 to 1000.`, { param: name })
}
