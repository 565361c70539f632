import { isObject } from '../lib/index.ts'
import { textField, wrongField } from './fields.ts'
import type { ControlPort, PolicyRequest } from './port.ts'
import { type Answer, type ControlRequest, ok } from './resource.ts'

/** What policies say to a request, and why; nothing is sent. */
export async function explainPolicy(port: ControlPort, { body }: ControlRequest): Promise<Answer> {
  return ok(await port.explainPolicy(policyRequestOf(body)))
}

const FIELDS = ['key_id', 'model', 'provider', 'route', 'address', 'time', 'body']

function policyRequestOf(value: unknown): PolicyRequest {
  if (!isObject(value)) throw wrongField('', 'The body must be a JSON object.')
  const unknown = Object.keys(value).find((name) => !FIELDS.includes(name))
  if (unknown !== undefined) throw wrongField(unknown.slice(0, 64), `unknown field; possible are ${FIELDS.join(', ')}.`)
  const { body = {} } = value
  if (!isObject(body)) throw wrongField('body', 'expected a request as a client sends it.')
  const time = textField(value, 'time')
  const timeMs = time === undefined ? Date.now() : Date.parse(time)
  if (!Number.isFinite(timeMs)) throw wrongField('time', 'expected a date and time, such as 2027-01-01T00:00:00Z.')
  return {
    keyId: textField(value, 'key_id') ?? null,
    model: textField(value, 'model') ?? textField(body, 'model') ?? null,
    provider: textField(value, 'provider') ?? null,
    route: textField(value, 'route') ?? 'chat.completions',
    address: textField(value, 'address') ?? '',
    timeMs,
    body,
  }
}
