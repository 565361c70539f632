import { type Gate, GatewayError, resume, WAIT } from '../../core/index.ts'

/**
 * A gate whose code is loaded when the first request comes to it: that one waits, those after it find it there. What could
 * not be loaded is tried again with the next request.
 */
export function loadedGate(load: () => Promise<Gate>): Gate {
  let gate: Gate | null = null
  let loading: Promise<void> | null = null
  const begin = async () => {
    try {
      gate = await load()
    } finally {
      loading = null
    }
  }
  return (x) => {
    if (gate !== null) return gate(x)
    loading ??= begin()
    loading.then(
      () => resume(x, null),
      (cause: unknown) =>
        resume(x, new GatewayError('internal_error', 'A part of the gateway could not be loaded.', { cause })),
    )
    return WAIT
  }
}
