import type { JsonObject } from '../json.ts'
import type { WallExchange } from './exchange.ts'

/** Answers one valid chat request, well or badly; `argument` is what follows the fault's name in the model's name. */
export type Fault = (x: WallExchange, body: JsonObject, argument: string) => Promise<void>

/** Faults by name; a name that ends in `-` takes an argument. */
export type FaultTable = Readonly<Record<string, Fault>>
