/** Where the entry of all threads is: beside this file, as source or as emitted JavaScript. */
const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'

export const THREAD_ENTRY = new URL(`./entry.${extension}`, import.meta.url)
