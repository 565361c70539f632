import { ControlError } from './errors.ts'
import type { ControlPort, RouteRequest } from './port.ts'
import { type Answer, type ControlRequest, ok } from './resource.ts'

/** What is known of every target of every model. */
export function listTargets(port: ControlPort): Answer {
  return ok(port.targets())
}

/** Where a request would go, and why; nothing is sent. */
export async function explainRoute(port: ControlPort, { body }: ControlRequest): Promise<Answer> {
  return ok(await port.explainRoute(routeRequestOf(body)))
}

const FIELDS = ['model', 'key_id', 'surface', 'headers', 'body']

function routeRequestOf(value: unknown): RouteRequest {
  if (!isObject(value)) throw wrong('', 'The body must be a JSON object.')
  const unknown = Object.keys(value).find((name) => !FIELDS.includes(name))
  if (unknown !== undefined) throw wrong(unknown.slice(0, 64), `unknown field; possible are ${FIELDS.join(', ')}.`)
  const { headers = {}, body = null } = value
  if (!isObject(headers)) throw wrong('headers', 'expected an object of texts.')
  if (body !== null && !isObject(body)) throw wrong('body', 'expected a request as a client sends it.')
  const model = textOf(value, 'model')
  if (model === undefined && body === null) throw wrong('model', 'name a model, or give a body that does.')
  return {
    model,
    keyId: textOf(value, 'key_id') ?? null,
    surface: textOf(value, 'surface') ?? 'chat.completions',
    headers: Object.fromEntries(
      Object.keys(headers).map((name) => [
        name.toLowerCase(),
        textOf(headers, name, `headers.${name.slice(0, 64)}`) ?? '',
      ]),
    ),
    body,
  }
}

function textOf(value: Readonly<Record<string, unknown>>, name: string, path = name): string | undefined {
  const text = value[name]
  if (text === undefined || typeof text === 'string') return text
  throw wrong(path, 'expected a text.')
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function wrong(path: string, message: string): ControlError {
  if (path === '') return new ControlError('invalid_request', message)
  return new ControlError('invalid_request', `${path}: ${message}`, { param: path })
}
