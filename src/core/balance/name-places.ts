import { hashText } from './hash-key.ts'

/** Nobody knows beforehand what servers are asked for by name: what is learned of a name lies in one of so many places. */
const MOST_PLACES = 64
/** Where very many share a server's name, each has fewer. */
const LEAST_PLACES = 4
const PLACES_IN_ALL = 256

/** In how many places it is kept what is learned of names, when there are so many (e.g. credentials) that learn apart. */
export function placesForNames(learners: number): number {
  return Math.max(LEAST_PLACES, Math.min(MOST_PLACES, Math.floor(PLACES_IN_ALL / Math.max(1, learners))))
}

/** The place of a name, from 0; others may have the same. */
export function placeOfName(name: string, places: number): number {
  return hashText(name) % places
}

/** By which a name is told from nearly all others of its place: from 1 to 2¹⁴-1. */
export function tagOfName(name: string): number {
  return 1 + ((hashText(name) >>> 8) % 0x3fff)
}
