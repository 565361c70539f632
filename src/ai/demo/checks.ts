import { isObject } from '../../lib/index.ts'
import { type ApiError, invalidRequest } from './api-error.ts'

/** Looks at one value of a request; null when it is as it must be. `path` is the parameter's name in messages. */
export type Check = (value: unknown, path: string) => ApiError | null

/** A member of an object: its check, and whether it must be there. */
export interface Member {
  readonly check: Check
  readonly required: boolean
}

/** Any boolean. */
export const boolean: Check = (value, path) => (typeof value === 'boolean' ? null : wrongType(path, 'a boolean', value))

/** Anything at all. */
export const anything: Check = () => null

/** A number within a range. */
export const decimal = (min: number, max: number): Check => inRange('decimal', min, max)

/** A whole number within a range. */
export const integer = (min: number, max = Number.MAX_SAFE_INTEGER): Check => inRange('integer', min, max)

/** A text, of a pattern when there is one. */
export const text =
  (maxLength = Number.POSITIVE_INFINITY, pattern?: RegExp): Check =>
  (value, path) => {
    if (typeof value !== 'string') return wrongType(path, 'a string', value)
    if (value.length > maxLength) {
      const detail = `Expected a string with maximum length ${maxLength}, but got a string with length ${value.length} instead.`
      return invalidRequest(`Invalid '${path}': string too long. ${detail}`, path, 'string_above_max_length')
    }
    if (pattern !== undefined && !pattern.test(value)) {
      const detail = `Expected a string that matches the pattern '${pattern.source}'.`
      return invalidRequest(`Invalid '${path}': string does not match pattern. ${detail}`, path, 'invalid_value')
    }
    return null
  }

/** One of a few words. */
export const word =
  (...words: readonly string[]): Check =>
  (value, path) => {
    if (typeof value !== 'string') return wrongType(path, 'a string', value)
    if (words.includes(value)) return null
    return invalidRequest(
      `Invalid value: '${value.slice(0, 64)}'. Supported values are: ${list(words)}.`,
      path,
      'invalid_value',
    )
  }

/** A list of so many things. */
export const array =
  (item: Check, min: number, max = Number.POSITIVE_INFINITY): Check =>
  (value, path) => {
    if (!Array.isArray(value)) return wrongType(path, 'an array', value)
    if (value.length < min) {
      const detail = `Expected an array with minimum length ${min}, but got an empty array instead.`
      return invalidRequest(`Invalid '${path}': empty array. ${detail}`, path, 'empty_array')
    }
    if (value.length > max) {
      const detail = `Expected an array with maximum length ${max}, but got an array with length ${value.length} instead.`
      return invalidRequest(`Invalid '${path}': array too long. ${detail}`, path, 'array_above_max_length')
    }
    return first(value, (each, i) => item(each, `${path}[${i}]`))
  }

/** An object with these members and no others. */
export const object =
  (members: Readonly<Record<string, Member>>): Check =>
  (value, path) => {
    if (!isObject(value)) return wrongType(path, 'an object', value)
    const at = (name: string): string => (path === '' ? name : `${path}.${name}`)
    const unknown = Object.keys(value).find((name) => !Object.hasOwn(members, name))
    if (unknown !== undefined) {
      const shown = unknown.slice(0, 64)
      return path === ''
        ? invalidRequest(`Unrecognized request argument supplied: ${shown}`)
        : invalidRequest(`Unknown parameter: '${at(shown)}'.`, at(shown), 'unknown_parameter')
    }
    return first(Object.entries(members), ([name, member]) => {
      if (Object.hasOwn(value, name)) return member.check(value[name], at(name))
      if (!member.required) return null
      return invalidRequest(`Missing required parameter: '${at(name)}'.`, at(name), 'missing_required_parameter')
    })
  }

/** An object whose members depend on the word in one of them. */
export const variant =
  (name: string, variants: Readonly<Record<string, Check>>): Check =>
  (value, path) => {
    if (!isObject(value)) return wrongType(path, 'an object', value)
    const at = `${path}.${name}`
    if (!Object.hasOwn(value, name)) {
      return invalidRequest(`Missing required parameter: '${at}'.`, at, 'missing_required_parameter')
    }
    const found = value[name]
    const wrong = word(...Object.keys(variants))(found, at)
    return wrong ?? variants[String(found)]?.(value, path) ?? null
  }

/** An object of any members. */
export const anyObject: Check = (value, path) => (isObject(value) ? null : wrongType(path, 'an object', value))

/** What the check wants, or null. */
export const orNull =
  (check: Check): Check =>
  (value, path) =>
    value === null ? null : check(value, path)

/** A text, or a list that the check wants. */
export const textOr =
  (check: Check): Check =>
  (value, path) => {
    if (typeof value === 'string') return null
    return Array.isArray(value) ? check(value, path) : wrongType(path, 'a string or an array', value)
  }

/** A text, or an object that the check wants. */
export const wordOr =
  (words: readonly string[], check: Check): Check =>
  (value, path) =>
    typeof value === 'string' ? word(...words)(value, path) : check(value, path)

/** Never: for parameters that exist and are not served here. */
export const unsupported: Check = (_value, path) =>
  invalidRequest(`Unsupported parameter: '${path}' is not supported with this model.`, path, 'unsupported_parameter')

/** A member that must be there. */
export const required = (check: Check): Member => ({ check, required: true })

/** A member that may be missing, or null. */
export const optional = (check: Check): Member => ({ check: orNull(check), required: false })

function inRange(kind: 'decimal' | 'integer', min: number, max: number): Check {
  return (value, path) => {
    if (typeof value !== 'number' || (kind === 'integer' && !Number.isInteger(value))) {
      return wrongType(path, kind === 'integer' ? 'an integer' : 'a decimal', value)
    }
    if (value < min) {
      const detail = `Expected a value >= ${min}, but got ${value} instead.`
      return invalidRequest(
        `Invalid '${path}': ${kind} below minimum value. ${detail}`,
        path,
        `${kind}_below_min_value`,
      )
    }
    if (value > max) {
      const detail = `Expected a value <= ${max}, but got ${value} instead.`
      return invalidRequest(
        `Invalid '${path}': ${kind} above maximum value. ${detail}`,
        path,
        `${kind}_above_max_value`,
      )
    }
    return null
  }
}

function wrongType(path: string, expected: string, value: unknown): ApiError {
  return invalidRequest(
    `Invalid type for '${path}': expected ${expected}, but got ${typeName(value)} instead.`,
    path,
    'invalid_type',
  )
}

function typeName(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'an array'
  if (typeof value === 'number') return Number.isInteger(value) ? 'an integer' : 'a decimal'
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}

function list(words: readonly string[]): string {
  const quoted = words.map((each) => `'${each}'`)
  return quoted.length < 2 ? quoted.join('') : `${quoted.slice(0, -1).join(', ')} and ${quoted.at(-1)}`
}

function first<T>(items: readonly T[], check: (item: T, index: number) => ApiError | null): ApiError | null {
  for (let i = 0; i < items.length; i++) {
    const error = check(items[i] as T, i) // i is within the list
    if (error !== null) return error
  }
  return null
}
