/** What is wrong with a value, and where; paths are the vendor's: `messages.0.content`. */
export interface Wrong {
  readonly path: string
  readonly what: string
}

/** Says what is wrong with a value, or null. */
export type Shape = (value: unknown, path: string) => Wrong | null

export type Members = Readonly<Record<string, unknown>>

export function isMembers(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function must(holds: boolean, path: string, what: string): Wrong | null {
  return holds ? null : { path, what }
}

export const anything: Shape = () => null
export const boolean: Shape = (value, path) => must(typeof value === 'boolean', path, 'Input should be a valid boolean')

export function text(least = 0): Shape {
  return (value, path) =>
    must(typeof value === 'string' && value.length >= least, path, `Input should be a string of at least ${least}`)
}

export function matching(pattern: RegExp): Shape {
  return (value, path) =>
    must(typeof value === 'string' && pattern.test(value), path, `String should match pattern '${pattern.source}'`)
}

export function words(...allowed: readonly string[]): Shape {
  return (value, path) =>
    must(typeof value === 'string' && allowed.includes(value), path, `Input should be ${allowed.join(' or ')}`)
}

export function number(least: number, most: number): Shape {
  return (value, path) =>
    must(typeof value === 'number' && value >= least && value <= most, path, `Input should be from ${least} to ${most}`)
}

export function whole(least: number): Shape {
  return (value, path) =>
    must(Number.isSafeInteger(value) && Number(value) >= least, path, `Input should be a whole number from ${least}`)
}

export const object: Shape = (value, path) => must(isMembers(value), path, 'Input should be an object')

export function list(item: Shape, least = 0): Shape {
  return (value, path) => {
    if (!Array.isArray(value)) return { path, what: 'Input should be a valid list' }
    if (value.length < least) return { path, what: `List should have at least ${least} item` }
    for (const [index, entry] of value.entries()) {
      const wrong = item(entry, `${path}.${index}`)
      if (wrong !== null) return wrong
    }
    return null
  }
}

/** An object with these members and no others. */
export function members(
  required: Readonly<Record<string, Shape>>,
  optional: Readonly<Record<string, Shape>> = {},
): Shape {
  return (value, path) => {
    if (!isMembers(value)) return { path, what: 'Input should be an object' }
    for (const name of Object.keys(required)) {
      if (value[name] === undefined) return { path: at(path, name), what: 'Field required' }
    }
    for (const [name, member] of Object.entries(value)) {
      const shape = required[name] ?? optional[name]
      if (shape === undefined) return { path: at(path, name), what: 'Extra inputs are not permitted' }
      const wrong = member === null && required[name] === undefined ? null : shape(member, at(path, name))
      if (wrong !== null) return wrong
    }
    return null
  }
}

/** One of several objects, told apart by a member. */
export function tagged(tag: string, shapes: Readonly<Record<string, Shape>>, other?: Shape): Shape {
  return (value, path) => {
    if (!isMembers(value)) return { path, what: 'Input should be an object' }
    const name = value[tag]
    const shape = (typeof name === 'string' ? shapes[name] : undefined) ?? other
    if (shape === undefined)
      return { path, what: `Input tag '${String(name)}' does not match any of the expected tags` }
    return shape(value, path)
  }
}

/** An object with exactly one of these members: how AWS writes a union. */
export function union(shapes: Readonly<Record<string, Shape>>): Shape {
  return (value, path) => {
    if (!isMembers(value)) return { path, what: 'must be a structure' }
    const names = Object.keys(value)
    const name = names[0]
    if (names.length !== 1 || name === undefined) return { path, what: 'must have exactly one member' }
    const shape = shapes[name]
    if (shape === undefined) return { path: at(path, name), what: 'extraneous key is not permitted' }
    return shape(value[name], at(path, name))
  }
}

export function either(first: Shape, second: Shape): Shape {
  return (value, path) => {
    const wrong = first(value, path)
    if (wrong === null) return null
    const other = second(value, path)
    return other === null ? null : typeof value === 'string' ? wrong : other
  }
}

function at(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`
}
