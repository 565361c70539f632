/** Ends an exhaustive `switch`: a compile error when a case is missing, a thrown Error should one appear at run time. */
export function assertNever(value: never): never {
  throw new Error(`unexpected case: ${String(value)}`)
}
