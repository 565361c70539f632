import { Charging } from './charging.ts'
import type {
  BudgetDocument,
  ConcurrencyDocument,
  RateDocument,
  TokenRateDocument,
  ValueDocument,
} from './level-document.ts'
import type { RequestValue } from './value-rules.ts'

/** What a request takes of levels and of the values that rules count apart, together; null: nothing of the kind. */
export interface Combined {
  readonly values: readonly RequestValue[]
  readonly charging: Charging
  readonly tokenRates: readonly TokenRateDocument[] | null
  /** Requests and places of values: of the request's first attempt, and of each later one. */
  readonly first: Begun
  readonly later: Begun
  /** Rates of requests of levels and values together, for what answers tell. */
  readonly rates: readonly RateDocument[] | null
  /** Places that values give the request until it ends, the admission's, and both together. */
  readonly ofRequest: readonly ConcurrencyDocument[] | null
  readonly ofAdmission: readonly ConcurrencyDocument[] | null
  readonly inFlight: readonly ConcurrencyDocument[] | null
}

/** What the beginning of an attempt takes of values. */
export interface Begun {
  readonly rates: readonly RateDocument[] | null
  readonly concurrency: readonly ConcurrencyDocument[] | null
  /** Those among the places that are free again when the attempt is over, and not only with the request. */
  readonly places: readonly ConcurrencyDocument[] | null
}

/** What levels alone say. */
export interface OfLevels {
  readonly rates: readonly RateDocument[] | null
  readonly budgets: readonly BudgetDocument[] | null
  readonly tokenRates: readonly TokenRateDocument[] | null
  readonly concurrency: readonly ConcurrencyDocument[] | null
}

/** Puts together what levels say and what these values do. Made once for each set of values of a key in a row. */
export function combine(levels: OfLevels, values: readonly RequestValue[]): Combined {
  const all = values.map(({ document }) => document)
  // A model and its provider see each attempt; all else is one request.
  const ofAttempt = values.filter(({ by }) => by === 'provider' || by === 'model').map(({ document }) => document)
  const ofRequest = placesOf(all.filter((document) => !ofAttempt.includes(document)))
  const places = placesOf(ofAttempt)
  const tokenRates = [...(levels.tokenRates ?? []), ...all.flatMap(({ tokenRate }) => tokenRate ?? [])]
  return {
    values: [...values],
    charging: new Charging([...(levels.budgets ?? []), ...all.flatMap((of) => of.budgets)]),
    tokenRates: orNull(tokenRates),
    rates: orNull([...(levels.rates ?? []), ...all.flatMap(({ rates }) => rates)]),
    first: { rates: orNull(all.flatMap(({ rates }) => rates)), concurrency: placesOf(all), places },
    later: { rates: orNull(ofAttempt.flatMap(({ rates }) => rates)), concurrency: places, places },
    ofRequest,
    ofAdmission: levels.concurrency,
    inFlight: orNull([...(levels.concurrency ?? []), ...(ofRequest ?? [])]),
  }
}

/** Whether these are the same values in the same order. */
export function isOf({ values }: Combined, others: readonly RequestValue[]): boolean {
  if (values.length !== others.length) return false
  for (let at = 0; at < values.length; at++) if (values[at] !== others[at]) return false
  return true
}

function placesOf(documents: readonly ValueDocument[]): readonly ConcurrencyDocument[] | null {
  return orNull(documents.flatMap(({ concurrency }) => concurrency ?? []))
}

function orNull<T>(list: readonly T[]): readonly T[] | null {
  return list.length === 0 ? null : list
}
