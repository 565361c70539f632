/**
 * The HTTP client, loaded only where connections are made: the control thread imports this module's neighbours too,
 * and would pay for a client that it never uses.
 */
type Undici = typeof import('undici')

let loaded: Undici | null = null

/** Loads the client; once per thread, before the first ConnectionPool. */
export async function loadHttpClient(): Promise<void> {
  loaded ??= await import('undici')
}

export function httpClient(): Undici {
  if (loaded === null) throw new Error('loadHttpClient() comes before the first connection')
  return loaded
}
