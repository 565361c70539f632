/** Given by a transport with the dispatch; returned when the attempt no longer needs its connection. */
export interface Lease {
  release(): void
}
