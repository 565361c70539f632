import type { PolicyConfig } from '../../config/index.ts'

export type TestConfig = NonNullable<NonNullable<PolicyConfig['allow']>['parameters']>[string]

/** A test of a parameter; `values` are all that a request gives for it, in whatever spelling. */
export interface ParameterTest {
  readonly name: string
  /** Whether a request may be let through whose parameter must be like this. */
  readonly allows: (values: readonly unknown[]) => boolean
  /** Whether a request is refused whose parameter must not be like this. What cannot be compared is refused. */
  readonly denies: (values: readonly unknown[]) => boolean
}

/** Compiles the test of one parameter. */
export function compileTest(name: string, config: TestConfig): ParameterTest {
  if (typeof config !== 'object') {
    return {
      name,
      allows: (values) => values.every((value) => value === config),
      denies: (values) => values.some((value) => value === config || looksLike(value, config)),
    }
  }
  const { present, one_of: oneOf, ...bounds } = config
  const isBounded = Object.values(bounds).some((bound) => bound !== undefined)
  const compares = isBounded || oneOf !== undefined
  const fits = (value: unknown) =>
    (!isBounded || (typeof value === 'number' && within(value, bounds))) &&
    (oneOf === undefined || oneOf.some((each) => each === value))
  const mayFit = (value: unknown) =>
    (!isBounded || typeof value !== 'number' || within(value, bounds)) &&
    (oneOf === undefined || oneOf.some((each) => each === value || looksLike(value, each)))
  return {
    name,
    allows: (values) => (present === undefined || present === values.length > 0) && (!compares || values.every(fits)),
    denies: (values) => {
      if (present === false) return values.length === 0
      return compares ? values.some(mayFit) : present === true && values.length > 0
    },
  }
}

interface Bounds {
  readonly above?: number | undefined
  readonly below?: number | undefined
  readonly at_least?: number | undefined
  readonly at_most?: number | undefined
}

function within(value: number, { above, below, at_least: least, at_most: most }: Bounds): boolean {
  return (
    (above === undefined || value > above) &&
    (below === undefined || value < below) &&
    (least === undefined || value >= least) &&
    (most === undefined || value <= most)
  )
}

/** Vendors take `"true"` for true and `"5"` for 5, some of them. */
function looksLike(value: unknown, denied: boolean | number | string): boolean {
  const isPlain = typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
  return isPlain && String(value).trim().toLowerCase() === String(denied).toLowerCase()
}
