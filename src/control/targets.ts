import { isObject } from '../lib/index.ts'
import { textField, wrongField } from './fields.ts'
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
  if (!isObject(value)) throw wrongField('', 'The body must be a JSON object.')
  const unknown = Object.keys(value).find((name) => !FIELDS.includes(name))
  if (unknown !== undefined) throw wrongField(unknown.slice(0, 64), `unknown field; possible are ${FIELDS.join(', ')}.`)
  const { headers = {}, body = null } = value
  if (!isObject(headers)) throw wrongField('headers', 'expected an object of texts.')
  if (body !== null && !isObject(body)) throw wrongField('body', 'expected a request as a client sends it.')
  const model = textField(value, 'model')
  if (model === undefined && body === null) throw wrongField('model', 'name a model, or give a body that does.')
  return {
    model,
    keyId: textField(value, 'key_id') ?? null,
    surface: textField(value, 'surface') ?? 'chat.completions',
    headers: Object.fromEntries(
      Object.keys(headers).map((name) => [
        name.toLowerCase(),
        textField(headers, name, `headers.${name.slice(0, 64)}`) ?? '',
      ]),
    ),
    body,
  }
}
