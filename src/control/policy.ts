import { ControlError } from './errors.ts'
import type { ControlPort, PolicyRequest } from './port.ts'
import { type Answer, type ControlRequest, ok } from './resource.ts'

/** What policies say to a request, and why; nothing is sent. */
export async function explainPolicy(port: ControlPort, { body }: ControlRequest): Promise<Answer> {
  return ok(await port.explainPolicy(policyRequestOf(body)))
}

const FIELDS = ['key_id', 'model', 'provider', 'route', 'address', 'time', 'body']

function policyRequestOf(value: unknown): PolicyRequest {
  if (!isObject(value)) throw wrong('', 'The body must be a JSON object.')
  const unknown = Object.keys(value).find((name) => !FIELDS.includes(name))
  if (unknown !== undefined) throw wrong(unknown.slice(0, 64), `unknown field; possible are ${FIELDS.join(', ')}.`)
  const { body = {} } = value
  if (!isObject(body)) throw wrong('body', 'expected a request as a client sends it.')
  const time = textOf(value, 'time')
  const timeMs = time === undefined ? Date.now() : Date.parse(time)
  if (!Number.isFinite(timeMs)) throw wrong('time', 'expected a date and time, such as 2027-01-01T00:00:00Z.')
  return {
    keyId: textOf(value, 'key_id') ?? null,
    model: textOf(value, 'model') ?? textOf(body, 'model') ?? null,
    provider: textOf(value, 'provider') ?? null,
    route: textOf(value, 'route') ?? 'chat.completions',
    address: textOf(value, 'address') ?? '',
    timeMs,
    body,
  }
}

function textOf(value: Readonly<Record<string, unknown>>, name: string): string | undefined {
  const text = value[name]
  if (text === undefined || typeof text === 'string') return text
  throw wrong(name, 'expected a text.')
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function wrong(path: string, message: string): ControlError {
  if (path === '') return new ControlError('invalid_request', message)
  return new ControlError('invalid_request', `${path}: ${message}`, { param: path })
}
