import { ControlError } from './errors.ts'

/** Refuses a body for one of its members; `path` is '' for the whole of it. */
export function wrongField(path: string, message: string): ControlError {
  if (path === '') return new ControlError('invalid_request', message)
  return new ControlError('invalid_request', `${path}: ${message}`, { param: path })
}

/** A member that is a text; undefined when it is absent. Throws for anything else, by the name `path`. */
export function textField(value: Readonly<Record<string, unknown>>, name: string, path = name): string | undefined {
  const text = value[name]
  if (text === undefined || typeof text === 'string') return text
  throw wrongField(path, 'expected a text.')
}
