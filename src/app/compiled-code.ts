import { flushCompileCache } from 'node:module'

/** By then a start is over, and what it took is compiled. */
const AFTER_MS = 2_000

/**
 * Writes the compiled code of this thread to Node's compile cache, when that is on, soon after the start. Node does so
 * itself at an orderly end, but a process that is killed would start slowly the next time too.
 */
export function keepCompiledCode(): void {
  setTimeout(flushCompileCache, AFTER_MS).unref()
}
